#include "daemon/probe_fence.hpp"

#include <sys/resource.h>

namespace myq {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
// Beyond what the daemon has itself. Address space is cheap, and some runtimes reserve much.
constexpr std::uint64_t most_data = 512 * mebibyte;
constexpr std::uint64_t most_address_space = 8192 * mebibyte;
constexpr std::uint64_t most_descriptors = 1024;
constexpr std::uint64_t largest_file = 16 * mebibyte;

}  // namespace

Fence probe_fence(std::chrono::seconds time) {
    Fence fence;
    fence.write = Fence::Paths{"/dev/null"};
    fence.network = Fence::Network::none;
    fence.change_modes = false;
    fence.other_processes = false;
    fence.new_processes = false;
    fence.system_v = false;
    const MemoryInUse used = memory_in_use();
    fence.limits = {{RLIMIT_DATA, used.data + most_data},
                    {RLIMIT_AS, used.address_space + most_address_space},
                    {RLIMIT_CPU, static_cast<std::uint64_t>(time.count())},
                    {RLIMIT_NOFILE, most_descriptors},
                    {RLIMIT_FSIZE, largest_file}};
    return fence;
}

}  // namespace myq
