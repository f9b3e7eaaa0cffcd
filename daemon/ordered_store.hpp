#pragma once

#include <atomic>

namespace myq {

// A store that the compiler must not move: what a killed process has written is all that its
// successor sees, so the order is the program's. The kernel and other CPUs keep it on their own.
template <typename T>
void store(T& where, T value) {
    std::atomic_ref<T>(where).store(value, std::memory_order_release);
}

}  // namespace myq
