#include "daemon/unix/private_directory.hpp"

#include "daemon/unix/directory_of.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/owned.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace myq {

bool make_private_directory(const std::filesystem::path& path, const Identity& owner) {
    bool is_private = false;
    in_directory_of(path, owner, [&](int parent, const char* name) {
        const bool made = ::mkdirat(parent, name, 0700) == 0;
        if (!made && errno != EEXIST) throw failure("cannot make the directory " + path.string());
        const Fd directory{
            ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
        if (!directory && (errno == ELOOP || errno == ENOTDIR)) return;
        if (!directory) throw failure("cannot open the directory " + path.string());
        struct stat st {};
        if (::fstat(directory.value(), &st) != 0) throw failure("fstat " + path.string());
        if (made && st.st_uid == ::geteuid()) {
            if (::fchown(directory.value(), owner.uid, owner.gid) != 0)
                throw failure("chown " + path.string());
            st.st_uid = owner.uid;
        }
        is_private = st.st_uid == owner.uid && (st.st_mode & 077) == 0;
    });
    return is_private;
}

}  // namespace myq
