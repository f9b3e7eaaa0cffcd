#include "daemon/in_hand.hpp"
#include "daemon/unix/clock.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>

TEST_SUITE("in_hand") {

using namespace myq;
using namespace myq::test;

namespace {

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string encoded(const Envelope& envelope) {
    return text_of(encode_envelope(envelope));
}

Envelope envelope_of(std::string_view body) {
    Envelope envelope;
    envelope.id = MessageId::random();
    envelope.body = std::as_bytes(std::span(body));
    return envelope;
}

constexpr std::int64_t hour_ms = 3'600'000;

}  // namespace

TEST_CASE("a raw message is its bytes") {
    const SlotFile file(10'000);
    Slot slot(file);
    for (const std::string body : {"", "hello", "\x89myq but no envelope"}) {
        receive(slot, 7, body);
        const InHand message = take_in_hand(slot);
        CHECK(text_of(message.body) == body);
        CHECK(!message.id.is_set());
        CHECK(!message.expires_ms);
        CHECK(message.broken == nullptr);
        CHECK(!message.wish);
        slot.settle(Tally::handled);
    }
}

TEST_CASE("an envelope that asks for nothing but to be handled comes off") {
    const SlotFile file(10'000);
    Slot slot(file);
    Envelope envelope = envelope_of("hello");
    envelope.expires_ms = 12'345;
    SUBCASE("at all") {}
    SUBCASE("later than a moment that is past") {
        envelope.due_ms = wall_clock_ms() - 1;
    }
    SUBCASE("later than now") {
        envelope.delay_ms = 0;
    }
    receive(slot, 7, encoded(envelope));
    const InHand message = take_in_hand(slot);
    CHECK(text_of(message.body) == "hello");
    CHECK(message.id == envelope.id);
    CHECK(message.expires_ms == 12'345);
    CHECK(message.broken == nullptr);
    CHECK(!message.wish);
}

TEST_CASE("an envelope that asks for the journal says how") {
    const SlotFile file(10'000);
    Slot slot(file);
    Envelope envelope = envelope_of("hello");
    SUBCASE("to be confirmed") {
        envelope.confirm = ConfirmAddress{17, 4'711, 3};
    }
    SUBCASE("only once") {
        envelope.unique_key = "order-4711";
    }
    SUBCASE("after a while") {
        envelope.delay_ms = hour_ms;
    }
    SUBCASE("at a time to come") {
        envelope.due_ms = wall_clock_ms() + hour_ms;
    }
    receive(slot, 7, encoded(envelope));
    const InHand message = take_in_hand(slot);
    REQUIRE(message.wish);
    CHECK(text_of(message.wish->body) == "hello");
    CHECK(message.wish->id == envelope.id);
    CHECK(message.wish->unique_key == envelope.unique_key);
    CHECK(message.wish->delay_ms == envelope.delay_ms);
    CHECK(message.wish->due_ms == envelope.due_ms);
    CHECK(message.wish->confirm.has_value() == envelope.confirm.has_value());
    CHECK(message.broken == nullptr);
}

TEST_CASE("a broken envelope says what is wrong, and is kept whole") {
    const SlotFile file(10'000);
    Slot slot(file);
    std::string bytes;
    std::string reason;
    SUBCASE("a bit fell over") {
        bytes = encoded(envelope_of("hello"));
        bytes.back() = 'O';
        reason = describe(EnvelopeError::checksum);
    }
    SUBCASE("cut short") {
        bytes = encoded(envelope_of("hello"));
        bytes.pop_back();
        reason = describe(EnvelopeError::truncated);
    }
    SUBCASE("an answer") {
        const ConfirmRun run{1, 1, ConfirmStatus::accepted};
        bytes = text_of(encode_confirm({&run, 1}));
        reason = "it is an answer, not a message";
    }
    receive(slot, 7, bytes);
    const InHand message = take_in_hand(slot);
    REQUIRE(message.broken != nullptr);
    CHECK(message.broken == reason);
    CHECK(text_of(message.body) == bytes);
    CHECK(!message.wish);
}

TEST_CASE("what comes from the journal left its envelope there") {
    const SlotFile file(10'000);
    Slot slot(file);
    // A body that looks like one is the sender's own business.
    Envelope inner = envelope_of("inner");
    inner.unique_key = "once";
    const std::string body = encoded(inner);
    SlotMessageId id{};
    id[3] = std::byte{7};
    slot.load(11, 5, 2, id, 999, std::as_bytes(std::span(body)));
    const InHand message = take_in_hand(slot);
    CHECK(text_of(message.body) == body);
    CHECK(message.id.bytes == id);
    CHECK(message.expires_ms == 999);
    CHECK(message.broken == nullptr);
    CHECK(!message.wish);
    slot.settle(Tally::handled);
    slot.load(12, 5, 0, {}, 0, std::as_bytes(std::span(body)));
    CHECK(!take_in_hand(slot).expires_ms);
    CHECK(!take_in_hand(slot).id.is_set());
}

TEST_CASE("a message is due when it says, and at once if that is past") {
    struct Row {
        std::optional<std::int64_t> due_ms, delay_ms;
        std::int64_t due;
    };
    constexpr std::int64_t now = 1'000'000;
    const Row rows[] = {
        {{}, {}, 0},
        {now + 1, {}, now + 1},
        {now, {}, 0},
        {now - 1, {}, 0},
        {-5, {}, 0},
        {{}, 0, 0},
        {{}, 1, now + 1},
        {{}, longest_delay_ms, now + longest_delay_ms},
        {INT64_MAX, {}, INT64_MAX},
    };
    for (const Row& row : rows) {
        CAPTURE(row.due);
        Envelope envelope;
        envelope.due_ms = row.due_ms;
        envelope.delay_ms = row.delay_ms;
        CHECK(due_time(envelope, now) == row.due);
    }
}

}  // TEST_SUITE("in_hand")
