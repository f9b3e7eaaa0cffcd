#pragma once

#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

// The option 'creators': whose queue, segment or semaphore is used beside root's and the daemon's
// own. Anybody may make one with any key, and keeps every right over it for ever: they would read
// what is put there, and hold up whoever waits for it.
class Creators {
public:
    explicit Creators(const std::vector<std::string>& users) {
        for (const std::string& name : users) {
            const passwd* entry = ::getpwnam(name.c_str());  // NOLINT(concurrency-mt-unsafe)
            if (entry == nullptr)
                throw std::invalid_argument("option 'creators' has '" + name +
                                            "', and there is no such user");
            trusted_.insert(entry->pw_uid);
        }
    }

    // Throws std::runtime_error. `object` is its name, and `removal` the command that removes it.
    void require(uid_t creator, const std::string& object, const std::string& removal) const {
        if (trusted_.contains(creator)) return;
        throw std::runtime_error(
            object + ": was made by uid " + std::to_string(creator) +
            ", who is neither root nor the daemon's user: not used; remove it (" + removal +
            "), or name its maker in creators");
    }

private:
    std::set<uid_t> trusted_{0, ::geteuid()};
};
