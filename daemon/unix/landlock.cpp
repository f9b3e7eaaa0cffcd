#include "daemon/unix/landlock.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/owned.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace myq {

namespace {

// Younger than the headers of Debian 12.
constexpr std::uint64_t access_truncate = 1ULL << 14U;
constexpr std::uint64_t access_ioctl_dev = 1ULL << 15U;
constexpr std::uint64_t scope_signal = 1ULL << 1U;
constexpr int landlock_with_refer = 2;
constexpr int landlock_with_ioctl_dev = 5;

// As of version 6. An older kernel takes it as long as what it does not know is 0.
struct RulesetAttributes {
    std::uint64_t handled_access_fs, handled_access_net, scoped;
};

constexpr std::uint64_t reading =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

std::uint64_t writing(int version) {
    std::uint64_t rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                           LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                           LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                           LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                           LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
    if (version >= landlock_with_refer) rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= landlock_with_truncate) rights |= access_truncate;
    if (version >= landlock_with_ioctl_dev) rights |= access_ioctl_dev;
    return rights;
}

// What can be said of a file that is no directory.
constexpr std::uint64_t rights_of_files =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
    access_truncate | access_ioctl_dev;

void allow(const Fd& ruleset, const Fence::Paths& paths, std::uint64_t rights) {
    for (const std::filesystem::path& path : paths) {
        const Fd place{::open(path.c_str(), O_PATH | O_CLOEXEC)};
        struct stat st {};
        if (!place || ::fstat(place.value(), &st) != 0) throw failure("open " + path.string());
        landlock_path_beneath_attr rule{};
        rule.parent_fd = place.value();
        rule.allowed_access = S_ISDIR(st.st_mode) ? rights : rights & rights_of_files;
        if (rule.allowed_access == 0) continue;
        if (::syscall(SYS_landlock_add_rule, ruleset.value(), LANDLOCK_RULE_PATH_BENEATH, &rule,
                      0) != 0)
            throw failure("landlock_add_rule " + path.string());
    }
}

}  // namespace

int landlock_version() {
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : static_cast<int>(version);
}

void restrict_paths(const Fence& fence, int version) {
    RulesetAttributes attributes{};
    if (fence.read) attributes.handled_access_fs |= reading;
    if (fence.write) attributes.handled_access_fs |= writing(version);
    if (fence.signals_stay_inside && version >= landlock_with_scopes)
        attributes.scoped |= scope_signal;
    if (attributes.handled_access_fs == 0 && attributes.scoped == 0) return;
    const Fd ruleset{static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0))};
    if (!ruleset) throw failure("landlock_create_ruleset");
    const std::uint64_t handled = attributes.handled_access_fs;
    if (fence.read) allow(ruleset, *fence.read, handled & reading);
    if (fence.write) allow(ruleset, *fence.write, handled);
    if (::syscall(SYS_landlock_restrict_self, ruleset.value(), 0) != 0)
        throw failure("landlock_restrict_self");
}

}  // namespace myq
