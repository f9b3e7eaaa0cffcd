#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

// Who runs, as the run directory tells it: by one rule for the daemon and for whoever looks for it.
namespace myq {

// In the run directory. The lock is root's and the daemon's (mode 0600), so that nobody else can
// have it. The number beside it is for everybody to read; it decides nothing where the lock can be
// asked.
constexpr const char* lock_file_name = "myqd.lock";
constexpr const char* pid_file_name = "myqd.pid";
constexpr const char* control_socket_name = "control";

struct RunState {
    pid_t daemon = 0;      // the daemon that runs, 0: none
    std::string stranger;  // who has its lock and is no daemon, in words; "" for nobody
    bool stale = false;    // nobody runs, and a number is left: it was killed

    // "the lock /run/myq/myqd.lock is held by process 4711 (php) of uid 0, which is no myqd: …"
    std::string refusal(const std::filesystem::path& run_dir) const;
};

// A holder of the lock counts only if it has a write lock, and is whom it may be: the user of the
// directory, and `service` too if that is root. Who may not open the lock asks the control socket:
// the kernel says who listens there. Throws std::system_error when nothing can be told.
RunState look_at_run_dir(const std::filesystem::path& run_dir, const std::string& service);

// Of a connection to the control socket: "" if the daemon is at its other end, else who is, a
// sentence. A daemon in another PID namespace is known by its user alone.
std::string doubt_about_peer(int connection, const std::filesystem::path& run_dir);

}  // namespace myq
