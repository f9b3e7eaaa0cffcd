#pragma once

#include "daemon/slot_header.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace myq {

// The messages that a worker holds beyond the one in hand, for a handler that takes many in one
// call: one after the other behind the slot's body, so that they outlive the worker like that one.
// Each leaves either settled in its place, or through the hand: see Slot::take_next().
//
// A record is a head, then exactly a struct msgbuf for msgrcv(2). The room for a record is filled
// with 0xFF but for its head, whose length says nothing until the message has landed.
class Handful {
public:
    static constexpr std::size_t room = std::size_t{256} << 10U;
    static constexpr std::size_t most_messages = 256;

    struct Head {
        std::uint64_t length;
        std::int64_t row;  // as in SlotHeader
        std::int64_t expires_ms;
        SlotMessageId id;
        std::uint32_t attempts;
        std::uint32_t over;  // 1: it is settled, or has gone into the hand
    };
    struct Message {
        Head* head;
        std::int64_t type;
        std::span<const std::byte> body;  // in the mapping that handlers see
    };

    // Finds in `memory` what the last worker left; both are the same pages, and may be empty: then
    // there is room for nothing. No message is longer than `largest_body`.
    void attach(SlotHeader& header, std::span<std::byte> memory,
                std::span<const std::byte> read_only, std::size_t largest_body);

    bool has_room() const { return !memory_.empty(); }
    // Whether messages may be in it; until clear().
    bool is_open() const { return header_->handful.open != 0; }
    std::span<const Message> messages() const { return messages_; }
    std::optional<std::size_t> first_left() const;  // the first that is not over
    bool is_over(std::size_t message) const;
    bool holds_row(std::int64_t row) const;
    bool holds_rows() const;

    // Where the next message may land: struct msgbuf with room for next_capacity() bytes of body;
    // nullptr when it is full.
    void* next();
    std::size_t next_capacity() const;
    void landed(std::size_t length);
    // Puts a message of the journal behind the others. False if there is no room for it.
    bool load(std::int64_t row, std::int64_t type, const SlotMessageId& id, std::int64_t expires_ms,
              std::span<const std::byte> body);

    // One more attempt of the first `count` begins.
    void begin_attempt(std::size_t count);
    void mark_over(std::size_t message);
    // Empties it when all of them are over.
    void clear_if_over();

private:
    void recover();
    void clear();
    void add(std::size_t length);
    std::size_t body_at() const;

    SlotHeader* header_ = nullptr;
    std::span<std::byte> memory_;
    std::span<const std::byte> read_only_;
    std::size_t largest_ = 0;
    std::size_t end_ = 0;   // offset behind the last record
    std::size_t left_ = 0;  // all before this one are over
    std::vector<Message> messages_;
};

}  // namespace myq
