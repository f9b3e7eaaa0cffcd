#include "plugins/forward/put.hpp"

#include "ipc/blob.hpp"
#include "ipc/ipc_error.hpp"
#include "ipc/message_queue.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Status = PutResult::Status;

constexpr milliseconds longest_pause{50};
// Whoever has less room than this for a message has other worries: nothing is asked for it.
constexpr std::size_t always_fits = 2048;

// The load as it goes into a queue.
class Packed {
public:
    Packed(const myq::MessageQueue& queue, const Load& load) : bytes_(load.body) {
        if (!load.id) return;
        myq::Envelope envelope;
        envelope.id = *load.id;
        if (fits(queue, myq::envelope_head_size + load.body.size())) {
            envelope.body = load.body;
        } else {
            const myq::QueueStat stat = queue.stat_any();
            blob_.emplace(stat.uid, stat.key, load.body);
            envelope.kind = myq::EnvelopeKind::blob;
            envelope.blob = blob_->reference();
        }
        encoded_ = myq::encode_envelope(envelope);
        bytes_ = encoded_;
    }

    std::span<const std::byte> bytes() const { return bytes_; }
    // Until then the memory goes with this object.
    void sent() {
        if (blob_) blob_->sent();
    }

private:
    static bool fits(const myq::MessageQueue& queue, std::size_t size) {
        return size <= always_fits ||
               (size <= myq::largest_body() && size <= queue.stat_any().capacity);
    }

    std::optional<myq::OutgoingBlob> blob_;
    std::vector<std::byte> encoded_;
    std::span<const std::byte> bytes_;
};

PutResult no_room(const myq::MessageQueue& queue, std::size_t size) {
    const std::uint64_t capacity = queue.stat_any().capacity;
    if (size <= capacity) return {Status::not_now, queue.name() + " is full"};
    return {Status::never, queue.name() + " holds at most " + std::to_string(capacity) +
                               " bytes, and this would be " + std::to_string(size)};
}

}  // namespace

PutResult put(const myq::QueueKey& key, std::int64_t type, const Load& load, milliseconds patience,
              const Creators& creators, const std::function<bool()>& give_up) {
    const auto deadline = Clock::now() + patience;
    try {
        // Looked up each time: a queue that was removed and made anew has another id.
        const auto queue = myq::MessageQueue::open(key);
        creators.require(queue.stat_any().creator_uid, queue.name(),
                         "ipcrm -q " + std::to_string(queue.id()));
        Packed packed(queue, load);
        // msgsnd(2) waits for room for ever or not at all, so this looks again and again.
        for (milliseconds pause{1};; pause = std::min(2 * pause, longest_pause)) {
            if (queue.send(type, packed.bytes(), myq::Wait::no) == myq::SendStatus::sent) {
                packed.sent();
                return {Status::sent};
            }
            const auto now = Clock::now();
            if (now >= deadline || give_up()) return no_room(queue, packed.bytes().size());
            std::this_thread::sleep_until(std::min(deadline, now + pause));
        }
    } catch (const myq::IpcError& e) {
        // EINVAL is what the kernel says to more than kernel.msgmax; see MessageQueue::send().
        return {e.error() == EINVAL ? Status::never : Status::not_now, e.what()};
    }
}
