// LD_PRELOAD: a machine on which everything is watched that may be (fs.inotify.max_user_watches).
#include <cerrno>
#include <cstdint>

extern "C" int inotify_add_watch(int, const char*, std::uint32_t) noexcept {
    errno = ENOSPC;
    return -1;
}
