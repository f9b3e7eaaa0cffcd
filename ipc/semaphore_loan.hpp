#pragma once

#include "ipc/semaphore.hpp"

#include <chrono>
#include <optional>

namespace myq {

// A permit that outlives who took it: for a shell, whose every command is a process of its own. The
// kernel undoes nothing of it, so it stays taken until somebody gives it back. Who took it counts
// as a user for as long, or PHP would set the permits anew meanwhile.
//
// `semaphore` is open, so that the permits are set. Waits for at most `timeout`, 0 for not at all,
// for ever without one. Throws IpcError.
[[nodiscard]] AcquireStatus take_loan(const Semaphore& semaphore,
                                      std::optional<std::chrono::nanoseconds> timeout);

// Gives such a permit back. False when there is no user left whose it could be. A permit that a
// living process holds cannot be told from a loan: who gives back too much lets in one more.
[[nodiscard]] bool return_loan(const SemaphoreSet& set);

}  // namespace myq
