#include "daemon/unix/directory_watch.hpp"

#include "daemon/unix/failure.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace myq {

namespace {

constexpr std::uint32_t file_events =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t own_end = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t entry_events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

std::filesystem::path without_slash(const std::filesystem::path& path) {
    return path.has_filename() ? path : path.parent_path();
}

}  // namespace

DirectoryWatch::DirectoryWatch(const std::filesystem::path& directory)
    : directory_(without_slash(directory)),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!inotify_) throw failure("inotify_init1");
    watch_parent();
    if (!watch_directory()) throw failure("inotify_add_watch " + directory_.string());
}

// It tells when another directory, or symbolic link, takes the name. Without it, because we may not
// read it, only the directory itself tells of its end.
void DirectoryWatch::watch_parent() {
    const int watch = ::inotify_add_watch(inotify_.value(), directory_.parent_path().c_str(),
                                          entry_events | own_end);
    if (parent_watch_ >= 0 && parent_watch_ != watch)
        ::inotify_rm_watch(inotify_.value(), parent_watch_);
    parent_watch_ = watch;
}

bool DirectoryWatch::watch_directory() {
    const int watch =
        ::inotify_add_watch(inotify_.value(), directory_.c_str(), file_events | own_end);
    const int error = errno;
    // The same directory has the same number.
    if (directory_watch_ >= 0 && directory_watch_ != watch)
        ::inotify_rm_watch(inotify_.value(), directory_watch_);
    directory_watch_ = watch;
    errno = error;
    return watch >= 0;
}

DirectoryWatch::News DirectoryWatch::news() {
    News news;
    must_look_ = false;
    const int before = directory_watch_;
    alignas(inotify_event) std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t n = ::read(inotify_.value(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
            const auto* event = reinterpret_cast<const inotify_event*>(&buffer.at(at));  // NOLINT
            take(*event, news);
            at += sizeof(inotify_event) + event->len;
        }
    }
    if (!must_look_) return news;
    watch_parent();
    watch_directory();
    news.is_whole = news.is_whole || (is_watching() && directory_watch_ != before);
    news.is_lost = !is_watching() && before >= 0;
    return news;
}

void DirectoryWatch::take(const inotify_event& event, News& news) {
    const std::string name = event.len > 0 ? event.name : "";  // NOLINT: it ends with a NUL
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        news.is_whole = true;
        must_look_ = true;
    } else if (event.wd == parent_watch_) {
        must_look_ = must_look_ || name.empty() || name == directory_.filename();
    } else if (event.wd != directory_watch_) {
        return;  // of one that was given up
    } else if (name.empty()) {
        must_look_ = must_look_ ||
                     (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)) != 0;
    } else if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
        news.written.erase(name);
        news.gone.insert(name);
    } else {
        news.gone.erase(name);
        news.written.insert(name);
    }
}

bool DirectoryWatch::look_again() {
    watch_parent();
    return watch_directory();
}

}  // namespace myq
