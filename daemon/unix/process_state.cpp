#include "daemon/unix/process_state.hpp"

#include "daemon/unix/failure.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace myq {

namespace {

bool same_action(const struct sigaction& a, const struct sigaction& b) {
    return a.sa_handler == b.sa_handler && a.sa_flags == b.sa_flags;
}

bool same_mask(const sigset_t& a, const sigset_t& b) {
    for (int signal = 1; signal < NSIG; ++signal) {
        if (::sigismember(&a, signal) != ::sigismember(&b, signal)) return false;
    }
    return true;
}

void add(std::string& list, const char* item) {
    if (!list.empty()) list += ", ";
    list += item;
}

}  // namespace

ProcessState::ProcessState() : directory_(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (!directory_) throw failure("open .");
    struct stat st {};
    if (::fstat(directory_.value(), &st) != 0) throw failure("fstat .");
    device_ = st.st_dev;
    inode_ = st.st_ino;
    ::sigprocmask(SIG_SETMASK, nullptr, &mask_);
    for (std::size_t i = 0; i < ours.size(); ++i)
        ::sigaction(ours.at(i), nullptr, &actions_.at(i));
    umask_ = ::umask(0);
    ::umask(umask_);
    error_flags_ = ::fcntl(STDERR_FILENO, F_GETFL);
}

bool ProcessState::has_standard_descriptors() const {
    // What was closed and opened again, as something else, is not likely to be opened for
    // appending.
    constexpr int telling = O_ACCMODE | O_APPEND;
    const int flags = ::fcntl(STDERR_FILENO, F_GETFL);
    return flags >= 0 && (flags & telling) == (error_flags_ & telling) &&
           ::fcntl(STDIN_FILENO, F_GETFD) >= 0 && ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
}

std::string ProcessState::restore() const {
    std::string changed;
    sigset_t mask{};
    ::sigprocmask(SIG_SETMASK, &mask_, &mask);
    if (!same_mask(mask, mask_)) add(changed, "signal mask");
    bool actions_differ = false;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        struct sigaction action {};
        ::sigaction(ours.at(i), nullptr, &action);
        if (same_action(action, actions_.at(i))) continue;
        ::sigaction(ours.at(i), &actions_.at(i), nullptr);
        actions_differ = true;
    }
    if (actions_differ) add(changed, "signal handlers");
    if (::umask(umask_) != umask_) add(changed, "umask");
    struct stat st {};
    if (::stat(".", &st) != 0 || st.st_dev != device_ || st.st_ino != inode_) {
        if (::fchdir(directory_.value()) == 0) add(changed, "working directory");
    }
    return changed;
}

std::size_t open_descriptors() {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
    // Not even that can be opened: as many as there may be.
    if (!directory && errno == EMFILE) return static_cast<std::size_t>(::sysconf(_SC_OPEN_MAX));
    std::size_t count = 0;
    while (directory && ::readdir(directory.get()) != nullptr)
        ++count;
    return count;
}

}  // namespace myq
