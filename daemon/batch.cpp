#include "daemon/batch.hpp"

#include "daemon/landed_length.hpp"

#include <algorithm>
#include <atomic>

namespace myq {

namespace {

constexpr std::size_t head_size = sizeof(Batch::Head);
constexpr std::size_t type_size = sizeof(std::int64_t);
constexpr std::uint64_t unknown_length = ~std::uint64_t{0};

std::size_t aligned(std::size_t size) {
    return (size + 7) / 8 * 8;
}

std::int64_t& type_at(std::byte* record) {
    return *reinterpret_cast<std::int64_t*>(record + head_size);  // NOLINT: struct msgbuf
}

Batch::Head& head_at(std::byte* record) {
    return *reinterpret_cast<Batch::Head*>(record);  // NOLINT: laid out by us
}

}  // namespace

std::size_t Batch::body_capacity(std::size_t largest_body) {
    constexpr std::size_t least = std::size_t{1} << 20U;
    return std::max(least, 8 * (largest_body + head_size + 2 * type_size));
}

Batch::Batch(Slot& slot)
    : slot_(slot),
      begin_(static_cast<std::byte*>(slot.buffer()) + type_size),
      room_(slot.body_capacity()) {
    messages_.reserve(most_messages);
    if (slot.occupied()) recover();
}

void Batch::recover() {
    while (end_ + head_size + type_size <= room_ && messages_.size() < most_messages) {
        std::byte* record = begin_ + end_;
        if (type_at(record) <= 0) break;  // armed, or never used
        std::uint64_t length = head_at(record).length;
        const std::span<const std::byte> room(record + head_size + type_size, next_capacity());
        if (length > room.size()) length = landed_length(room);
        head_at(record).length = length;
        add(length);
    }
    if (messages_.empty()) clear();
}

std::size_t Batch::next_capacity() const {
    const std::size_t used = end_ + head_size + type_size;
    return used < room_ ? room_ - used : 0;
}

void* Batch::next(std::size_t largest_body) {
    if (messages_.size() == most_messages || next_capacity() < largest_body) return nullptr;
    if (messages_.empty()) slot_.begin_batch();
    std::byte* record = begin_ + end_;
    head_at(record) = {unknown_length, ConfirmStatus::accepted, 0, 0};
    type_at(record) = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return record + head_size;
}

void Batch::landed(std::size_t length) {
    std::atomic_ref(head_at(begin_ + end_).length).store(length, std::memory_order_release);
    add(length);
}

void Batch::add(std::size_t length) {
    std::byte* record = begin_ + end_;
    messages_.push_back(
        {&head_at(record), type_at(record), {record + head_size + type_size, length}});
    end_ += aligned(head_size + type_size + length);
    slot_.count_batch(messages_.size());
}

void Batch::clear() {
    // What was armed for the next message, too.
    slot_.end_batch(std::min(room_, end_ + head_size + type_size));
    messages_.clear();
    end_ = 0;
}

}  // namespace myq
