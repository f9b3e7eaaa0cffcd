#include "daemon/unix/directory_of.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/owned.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace myq {

namespace {

// As long as it lives the process has the rights of this user, and root's to come back.
class RightsOf {
public:
    explicit RightsOf(const Identity& identity)
        : groups_(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0))) {
        if (::getgroups(static_cast<int>(groups_.size()), groups_.data()) < 0 ||
            ::setgroups(1, &identity.gid) != 0 || ::setegid(identity.gid) != 0 ||
            ::seteuid(identity.uid) != 0)
            throw failure("cannot take the rights of user " + identity.user);
    }
    ~RightsOf() {
        const bool back = ::seteuid(0) == 0 && ::setegid(gid_) == 0 &&
                          ::setgroups(groups_.size(), groups_.data()) == 0;
        if (!back) ::_exit(EXIT_FAILURE);
    }
    RightsOf(const RightsOf&) = delete;
    RightsOf& operator=(const RightsOf&) = delete;

private:
    std::vector<gid_t> groups_;
    gid_t gid_ = ::getegid();
};

// Whether `owner` may rename what is in the directory. A sticky one lets each rename his own only.
bool may_change(const struct stat& directory, const Identity& owner) {
    if (directory.st_uid == owner.uid) return true;
    if ((directory.st_mode & S_ISVTX) != 0) return false;
    return (directory.st_mode & 002) != 0 ||
           ((directory.st_mode & 020) != 0 && directory.st_gid == owner.gid);
}

}  // namespace

void in_directory_of(const std::filesystem::path& path, const Identity& owner,
                     const std::function<void(int directory, const char* name)>& work) {
    // Links on the way are an administrator's; those that come after this look are not followed.
    std::error_code error;
    const auto parent = std::filesystem::canonical(path.parent_path(), error);
    if (error) throw std::system_error(error, "cannot open " + path.parent_path().string());
    constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd directory{::open("/", flags)};
    bool is_changeable = false;
    for (const auto& part : parent.relative_path()) {
        struct stat st {};
        directory = Fd{::openat(directory.value(), part.c_str(), flags)};
        if (!directory || ::fstat(directory.value(), &st) != 0)
            throw failure("cannot open " + parent.string());
        is_changeable = is_changeable || may_change(st, owner);
    }
    const std::string name = path.filename();
    if (!is_changeable || ::geteuid() != 0) return work(directory.value(), name.c_str());
    const RightsOf rights(owner);
    work(directory.value(), name.c_str());
}

}  // namespace myq
