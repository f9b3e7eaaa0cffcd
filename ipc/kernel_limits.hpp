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
    std::uint64_t queues;  // kernel.msgmni
};

KernelLimits kernel_limits();

// The four numbers of kernel.sem, and how much of them is in use: semctl(SEM_INFO).
struct SemaphoreLimits {
    std::uint64_t members;     // 1st: semaphores in one set
    std::uint64_t semaphores;  // 2nd: in all sets together
    std::uint64_t operations;  // 3rd: in one semop(2)
    std::uint64_t sets;        // 4th
    std::uint64_t semaphores_used, sets_used;
};

SemaphoreLimits semaphore_limits();

// kernel.shm*, and how much of them is in use: shmctl(IPC_INFO) and shmctl(SHM_INFO). Sizes are
// bytes; the kernel counts shmall in pages.
struct SharedMemoryLimits {
    std::uint64_t largest_segment;  // kernel.shmmax
    std::uint64_t all_segments;     // kernel.shmall: bytes in all segments together
    std::uint64_t segments;         // kernel.shmmni
    std::uint64_t bytes_used, segments_used;
};

SharedMemoryLimits shared_memory_limits();

}  // namespace myq
