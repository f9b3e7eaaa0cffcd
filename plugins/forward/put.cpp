#include "plugins/forward/put.hpp"

#include "ipc/ipc_error.hpp"
#include "ipc/message_queue.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Status = PutResult::Status;

constexpr milliseconds longest_pause{50};

PutResult no_room(const myq::MessageQueue& queue, std::size_t size) {
    const std::uint64_t capacity = queue.stat_any().capacity;
    if (size <= capacity) return {Status::not_now, queue.name() + " is full"};
    return {Status::never, queue.name() + " holds at most " + std::to_string(capacity) +
                               " bytes, and this would be " + std::to_string(size)};
}

}  // namespace

PutResult put(const myq::QueueKey& key, std::int64_t type, std::span<const std::byte> body,
              milliseconds patience, const std::function<bool()>& give_up) {
    const auto deadline = Clock::now() + patience;
    try {
        // Looked up each time: a queue that was removed and made anew has another id.
        const auto queue = myq::MessageQueue::open(key);
        // msgsnd(2) waits for room for ever or not at all, so this looks again and again.
        for (milliseconds pause{1};; pause = std::min(2 * pause, longest_pause)) {
            if (queue.send(type, body, myq::Wait::no) == myq::SendStatus::sent)
                return {Status::sent};
            const auto now = Clock::now();
            if (now >= deadline || give_up()) return no_room(queue, body.size());
            std::this_thread::sleep_until(std::min(deadline, now + pause));
        }
    } catch (const myq::IpcError& e) {
        // EINVAL is what the kernel says to more than kernel.msgmax; see MessageQueue::send().
        return {e.error() == EINVAL ? Status::never : Status::not_now, e.what()};
    }
}
