#include "daemon/handful.hpp"

#include "daemon/landed_length.hpp"
#include "daemon/ordered_store.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace myq {

namespace {

constexpr std::size_t head_size = sizeof(Handful::Head);
constexpr std::size_t type_size = sizeof(std::int64_t);
constexpr std::uint64_t unknown_length = ~std::uint64_t{0};

static_assert(head_size % 8 == 0);

std::size_t aligned(std::size_t size) {
    return (size + 7) / 8 * 8;
}

Handful::Head& head_at(std::byte* record) {
    return *reinterpret_cast<Handful::Head*>(record);  // NOLINT: laid out by us
}

std::int64_t& type_at(std::byte* record) {
    return *reinterpret_cast<std::int64_t*>(record + head_size);  // NOLINT: struct msgbuf
}

// As one that is in a slot, and nowhere else. For `myq status` alone.
bool counts(const Handful::Message& message) {
    return message.head->row == 0 && message.head->over != 1;
}

void fill(std::span<std::byte> memory) {
    if (!memory.empty()) std::memset(memory.data(), static_cast<int>(filler), memory.size());
}

}  // namespace

void Handful::attach(SlotHeader& header, std::span<std::byte> memory,
                     std::span<const std::byte> read_only, std::size_t largest_body) {
    header_ = &header;
    memory_ = memory;
    read_only_ = read_only;
    largest_ = largest_body;
    if (has_room()) messages_.reserve(most_messages);
    if (is_open()) return recover();
    fill(memory_);
}

void Handful::recover() {
    header_->batch_size = 0;
    while (body_at() <= memory_.size() && messages_.size() < most_messages) {
        std::byte* record = memory_.data() + end_;
        if (type_at(record) <= 0) break;  // armed, or never used
        std::uint64_t length = head_at(record).length;
        if (length > next_capacity())
            length = landed_length(read_only_.subspan(body_at(), next_capacity()));
        head_at(record).length = length;
        add(length);
    }
}

std::size_t Handful::body_at() const {
    return end_ + head_size + type_size;
}

std::optional<std::size_t> Handful::first_left() const {
    for (std::size_t i = left_; i < messages_.size(); ++i) {
        if (!is_over(i)) return i;
    }
    return std::nullopt;
}

bool Handful::is_over(std::size_t message) const {
    return message < messages_.size() && messages_[message].head->over == 1;
}

bool Handful::holds_row(std::int64_t row) const {
    return std::any_of(messages_.begin(), messages_.end(), [&](const Message& message) {
        return message.head->row == row && message.head->over != 1;
    });
}

bool Handful::holds_rows() const {
    return std::any_of(messages_.begin(), messages_.end(), [](const Message& message) {
        return message.head->row != 0 && message.head->over != 1;
    });
}

std::size_t Handful::next_capacity() const {
    return body_at() < memory_.size() ? std::min(memory_.size() - body_at(), largest_) : 0;
}

void* Handful::next() {
    if (messages_.size() == most_messages || next_capacity() == 0) return nullptr;
    std::byte* record = memory_.data() + end_;
    head_at(record) = {};
    head_at(record).length = unknown_length;
    type_at(record) = 0;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    store(header_->handful.open, std::uint32_t{1});
    return record + head_size;
}

void Handful::landed(std::size_t length) {
    store(head_at(memory_.data() + end_).length, std::uint64_t{length});
    add(length);
}

bool Handful::load(std::int64_t row, std::int64_t type, const SlotMessageId& id,
                   std::int64_t expires_ms, std::span<const std::byte> body) {
    if (body.size() > next_capacity() || next() == nullptr) return false;
    std::byte* record = memory_.data() + end_;
    std::copy(body.begin(), body.end(), record + head_size + type_size);
    Head& head = head_at(record);
    head.row = row;
    head.id = id;
    head.expires_ms = expires_ms;
    head.length = body.size();
    store(type_at(record), type);
    add(body.size());
    return true;
}

void Handful::add(std::size_t length) {
    std::byte* record = memory_.data() + end_;
    messages_.push_back({&head_at(record), type_at(record), read_only_.subspan(body_at(), length)});
    end_ = std::min(end_ + aligned(head_size + type_size + length), memory_.size());
    if (counts(messages_.back())) store(header_->batch_size, header_->batch_size + 1);
}

void Handful::begin_attempt(std::size_t count) {
    for (const Message& message : std::span(messages_).first(count))
        store(message.head->attempts, message.head->attempts + 1);
}

void Handful::mark_over(std::size_t message) {
    if (message >= messages_.size()) return;
    if (counts(messages_[message])) store(header_->batch_size, header_->batch_size - 1);
    store(messages_[message].head->over, std::uint32_t{1});
    if (message == left_) ++left_;
}

void Handful::clear_if_over() {
    if (is_open() && !first_left()) clear();
}

// Killed in here, there is nothing in it, and the next worker fills it whole.
void Handful::clear() {
    store(header_->handful.open, std::uint32_t{0});
    store(header_->batch_size, std::uint32_t{0});
    fill(memory_.first(std::min(body_at(), memory_.size())));
    messages_.clear();
    end_ = 0;
    left_ = 0;
}

}  // namespace myq
