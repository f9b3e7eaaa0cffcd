#pragma once

#include <cstddef>
#include <cstdint>

namespace myq {

// The limits of this IPC namespace at this moment; an administrator may change them at any time.
// From msgctl(IPC_INFO), which needs neither a mounted /proc nor a permission.
struct KernelLimits {
    std::size_t largest_body;  // kernel.msgmax, in bytes
    std::uint64_t
        largest_capacity;  // kernel.msgmnb: above it only CAP_SYS_RESOURCE sets msg_qbytes
};

KernelLimits kernel_limits();

}  // namespace myq
