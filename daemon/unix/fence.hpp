#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// What code that is not trusted may do: a fence that a process puts around itself and everything it
// starts, for ever. Paths are held by Landlock, calls by seccomp, amounts by limits; none of it
// needs root. By default a fence forbids nothing. Descriptors that are open stay usable.
struct Fence {
    using Paths = std::vector<std::filesystem::path>;

    // Files that may be read and run; files that may be written, made, moved and removed (and read,
    // as well). Each path stands for all that is below it. Without a list, whatever the user may.
    std::optional<Paths> read = {}, write = {};

    // Sockets: of any kind, of this machine only (AF_UNIX), or none but socketpair(2).
    enum class Network { any, local, none };
    Network network = Network::any;

    bool change_modes = true;     // of files: mode, owner, times, attributes. Landlock holds none
    bool other_processes = true;  // signal, trace or set limits of any process but itself
    bool new_processes = true;    // fork and exec; threads may always be made
    bool system_v = true;         // System V IPC, and POSIX message queues
    // Without system_v: messages may be sent to any queue that there is, and received from this
    // one.
    std::optional<int> queue = {};

    // Landlock has signals reach only what is inside the same fence, such as its own children.
    // Without other_processes: that too may be signalled then, where this Landlock can do it.
    bool signals_stay_inside = false;

    // RLIMIT_...: at most that much, soft and hard. RLIMIT_NPROC counts all of the user's.
    struct Limit {
        int resource;
        std::uint64_t most;
    };
    std::vector<Limit> limits = {};
};

// What of `fence` this kernel cannot do, a sentence each: "Landlock is not in this kernel: paths
// are not held".
std::vector<std::string> beyond_kernel(const Fence& fence);

// Puts the fence up, all but what is beyond_kernel(). Sets no_new_privs, without which there is
// none. For a process with one thread. Throws std::system_error, which names the path or the call;
// parts of the fence may be up then, and the process should end.
void raise_fence(const Fence& fence);

// How much of RLIMIT_AS and RLIMIT_DATA this process uses already, in bytes.
struct MemoryInUse {
    std::uint64_t address_space = 0, data = 0;
};
MemoryInUse memory_in_use();

}  // namespace myq
