#pragma once

#include "ipc/semaphore.hpp"

#include <set>

namespace myq {

// The semaphore with this key, made with mode 0600 if there is none. Whoever made it may do
// anything with it for ever: Failure unless that is root, the caller or one of `others`.
Semaphore semaphore_of_ours(const QueueKey& key, const SemaphoreOptions& options = {},
                            const std::set<uid_t>& others = {});

}  // namespace myq
