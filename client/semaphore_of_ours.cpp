#include "client/semaphore_of_ours.hpp"

#include "client/account.hpp"
#include "client/failure.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace myq {

Semaphore semaphore_of_ours(const QueueKey& key, const SemaphoreOptions& options,
                            const std::set<uid_t>& others) {
    return Semaphore::open_or_create(key, 0600, options, [&](const SemaphoreSet& set) {
        const uid_t maker = set.stat().creator_uid;
        if (maker == 0 || maker == geteuid() || others.contains(maker)) return;
        throw Failure(ExitCode::permission,
                      fmt::format("{}: was made by {}, who may hold it for ever: not used; remove "
                                  "it (ipcrm -s {}), or use another key",
                                  set.name(), user_name(maker), set.id()));
    });
}

}  // namespace myq
