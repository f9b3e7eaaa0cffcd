#pragma once

#include "journal/journal.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace myq::test {

// A journal as the daemon leaves it, of user and group myq, and a config that names it, used by
// every myq that runs after it. The queues in it are those of TestConfig, and their types.
class Journaled {
public:
    static constexpr uid_t user = 950;
    static constexpr gid_t group = 950;

    Journaled() {
        std::filesystem::create_directory(directory());
        REQUIRE(chmod(directory().c_str(), 0700) == 0);
        REQUIRE(chown(directory().c_str(), user, group) == 0);
        write_file(file(), "daemon: {run_dir: " + run_dir().string() + R"(}
journal: {min_free: 0, dir: )" +
                               directory().string() +
                               R"(}
queues:
  - name: jobs
    key: 0x6d797101
    handlers:
      - {type: 1, name: note, plugin: log}
      - {type: 7, name: resize, plugin: log}
  - name: mails
    key: 0x6d797102
    handlers:
      - {type: 5, plugin: log}
)");
        setenv("MYQ_CONFIG", file().c_str(), 1);
    }
    ~Journaled() { unsetenv("MYQ_CONFIG"); }
    Journaled(const Journaled&) = delete;
    Journaled& operator=(const Journaled&) = delete;

    std::filesystem::path directory() const { return dir_.path() / "journal"; }
    std::filesystem::path run_dir() const { return dir_.path() / "run"; }
    std::string file() const { return dir_.path() / "myq.yaml"; }

    // Works on the journal as its user, made if it is missing; never in the test itself, which is
    // root.
    void with(const std::function<void(Journal&)>& work) const {
        REQUIRE(in_child([&] {
                    if (setgid(group) != 0 || setuid(user) != 0) return 99;
                    JournalLimits limits;
                    limits.min_free = 0;
                    Journal journal(directory(), limits, true);
                    work(journal);
                    return 0;
                }) == 0);
    }

    void insert(std::string_view queue, const NewMessage& message) const {
        with([&](Journal& journal) {
            journal.transact(Survives::kill, [&] {
                REQUIRE(journal.insert(journal.queue_number(queue), message) == Inserted::yes);
            });
        });
    }

private:
    TempDir dir_;
};

inline NewMessage message(std::int64_t type, std::string_view body) {
    NewMessage message;
    message.type = type;
    message.body = std::as_bytes(std::span(body));
    return message;
}

inline NewMessage dead(std::int64_t type, std::string_view body, std::string_view reason) {
    NewMessage message = test::message(type, body);
    message.dead = true;
    message.reason = reason;
    return message;
}

}  // namespace myq::test
