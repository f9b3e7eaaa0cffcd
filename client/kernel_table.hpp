#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace myq {

struct Config;

// One limit of this IPC namespace, as sysctl(8) names it.
struct KernelRow {
    std::string name;                     // "kernel.msgmax"
    std::uint64_t value = 0;              // what is allowed
    std::optional<std::uint64_t> in_use;  // by everybody; nothing where the limit is for one object
    std::optional<std::uint64_t>
        needed;           // by the queues of the config; nothing where it needs none
    std::string meaning;  // "bytes in one message"

    bool is_too_small() const { return needed && *needed > value; }
    bool is_nearly_used() const { return in_use && *in_use >= value - value / 10; }
};

// Every limit of System V IPC: kernel.msgmax, msgmnb and msgmni; shmmax, shmall and shmmni; the
// four of kernel.sem, see proc(5).
std::vector<KernelRow> kernel_table(const std::optional<Config>& config);

}  // namespace myq
