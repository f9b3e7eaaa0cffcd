#include "config/run_state.hpp"

#include "config/descriptor.hpp"
#include "ipc/lock_holder.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>

namespace myq {

namespace {

[[noreturn]] void cannot(const char* call, const std::filesystem::path& path) {
    throw std::system_error(errno, std::generic_category(),
                            fmt::format("{} {}", call, path.string()));
}

// The run directory, open, so that all that is asked is asked of one.
struct Place {
    explicit Place(const std::filesystem::path& run_dir)
        : path(run_dir),
          fd(::open(run_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
        struct stat st {};
        if (fd && ::fstat(fd.number(), &st) == 0) owner = st.st_uid;
    }
    int open(const char* name) const {
        return ::openat(fd.number(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    }

    std::filesystem::path path;
    Descriptor fd;
    uid_t owner = 0;
};

bool may_be_daemon(pid_t pid, const Place& place, const std::string& service) {
    const auto user = user_of_process(pid);
    if (!user) return false;
    if (*user == place.owner) return true;
    const passwd* entry = ::getpwnam(service.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    return place.owner == 0 && entry != nullptr && *user == entry->pw_uid;
}

// The number in the pid file, 0 for none.
pid_t noted_pid(const Place& place) {
    const Descriptor file(place.open(pid_file_name));
    std::array<char, 32> text{};
    if (!file || ::read(file.number(), text.data(), text.size() - 1) <= 0) return 0;
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid > 0 ? pid : 0;
}

bool has_note(const Place& place) {
    const Descriptor file(place.open(pid_file_name));
    struct stat st {};
    return file && ::fstat(file.number(), &st) == 0 && st.st_size > 0;
}

// An older myqd has its lock on the pid file itself, where only a write lock means anything:
// everybody may have the other kind.
pid_t older_daemon(const Place& place, const std::string& service) {
    const Descriptor file(place.open(pid_file_name));
    if (!file && errno != ENOENT) cannot("cannot open the pid file", place.path / pid_file_name);
    if (!file) return 0;
    const auto holder = lock_holder(file.number());
    const bool counts = holder && holder->is_writer && holder->pid > 0;
    return counts && may_be_daemon(holder->pid, place, service) ? holder->pid : 0;
}

// Who listens at the control socket, or seems to.
pid_t listener(const Place& place) {
    const Descriptor caller(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = place.path / control_socket_name;
    if (!caller || path.size() >= sizeof address.sun_path) return 0;
    path.copy(address.sun_path, path.size());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: connect(2)
    if (::connect(caller.number(), generic, sizeof address) != 0)
        return errno == EAGAIN ? noted_pid(place) : 0;  // many are before us
    ucred peer{};
    socklen_t size = sizeof peer;
    ::getsockopt(caller.number(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (peer.uid != place.owner) return 0;
    return peer.pid > 0 ? peer.pid : noted_pid(place);
}

}  // namespace

std::string RunState::refusal(const std::filesystem::path& run_dir) const {
    if (daemon > 0) return fmt::format("already running (pid {})", daemon);
    return fmt::format("the lock {} is held by {}, which is no myqd: see what it is and end it",
                       (run_dir / lock_file_name).string(), stranger);
}

RunState look_at_run_dir(const std::filesystem::path& run_dir, const std::string& service) {
    RunState state;
    const Place place(run_dir);
    if (!place.fd && errno == ENOENT) return state;
    if (!place.fd) cannot("cannot open the run directory", run_dir);
    const Descriptor lock(place.open(lock_file_name));
    if (!lock && errno != ENOENT && errno != EACCES)
        cannot("cannot open the lock", run_dir / lock_file_name);
    if (!lock && errno == EACCES) state.daemon = listener(place);
    if (lock) {
        if (const auto holder = lock_holder(lock.number())) {
            const bool counts =
                holder->is_writer && holder->pid > 0 && may_be_daemon(holder->pid, place, service);
            if (counts) state.daemon = holder->pid;
            if (!counts) state.stranger = holder->text;
        }
    }
    if (state.daemon == 0) state.daemon = older_daemon(place, service);
    state.stale = state.daemon == 0 && has_note(place);
    return state;
}

std::string doubt_about_peer(int connection, const std::filesystem::path& run_dir) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        cannot("SO_PEERCRED", run_dir / control_socket_name);
    const Place place(run_dir);
    const Descriptor lock(place.open(lock_file_name));
    pid_t known = noted_pid(place);
    if (lock) {
        const auto holder = lock_holder(lock.number());
        known = holder && holder->is_writer ? holder->pid : 0;
    }
    if (peer.uid == place.owner && (peer.pid == known || peer.pid == 0)) return {};
    return fmt::format("{}: who listens there, process {} of uid {}, is not the daemon{}",
                       (run_dir / control_socket_name).string(), peer.pid, peer.uid,
                       known > 0 ? fmt::format(", process {} of uid {}", known, place.owner) : "");
}

}  // namespace myq
