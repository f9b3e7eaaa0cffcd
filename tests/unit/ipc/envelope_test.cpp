#include "ipc/envelope.hpp"
#include "tests/unit/ipc/envelope_bytes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

TEST_SUITE("envelope") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();

std::string refusal_of(const Envelope& envelope) {
    try {
        encode_envelope(envelope);
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "written";
}

template <typename Change>
std::string refusal_with(Change change) {
    Envelope envelope;
    change(envelope);
    return refusal_of(envelope);
}

void same(const Envelope& one, const Envelope& two) {
    CHECK(one.kind == two.kind);
    CHECK(one.id == two.id);
    CHECK(one.due_ms == two.due_ms);
    CHECK(one.delay_ms == two.delay_ms);
    CHECK(one.expires_ms == two.expires_ms);
    CHECK(one.unique_key == two.unique_key);
    CHECK(one.confirm.has_value() == two.confirm.has_value());
    if (one.confirm && two.confirm) {
        CHECK(one.confirm->queue_id == two.confirm->queue_id);
        CHECK(one.confirm->token == two.confirm->token);
        CHECK(one.confirm->sequence == two.confirm->sequence);
    }
    CHECK(one.reply.has_value() == two.reply.has_value());
    if (one.reply && two.reply) {
        CHECK(one.reply->queue_id == two.reply->queue_id);
        CHECK(one.reply->token == two.reply->token);
        CHECK(one.reply->sequence == two.reply->sequence);
    }
    CHECK(text(one.body) == text(two.body));
}

}  // namespace

TEST_CASE("The example in docs/wire-format.md is what is written, byte for byte") {
    Envelope envelope;
    envelope.id = counting_id();
    envelope.delay_ms = 600'000;
    envelope.unique_key = "order-4711";
    envelope.body = bytes("hello");
    const Bytes expected = from_hex("89 6d 79 71 0d 0a 1a 0a 01 01 42 00 05 00 00 00"
                                    "91 71 34 42 00 00 00 00 00 01 02 03 04 05 06 07"
                                    "08 09 0a 0b 0c 0d 0e 0f 02 00 08 00 c0 27 09 00"
                                    "00 00 00 00 04 00 0a 00 6f 72 64 65 72 2d 34 37"
                                    "31 31 68 65 6c 6c 6f");
    CHECK(encode_envelope(envelope) == expected);
    Envelope decoded;
    REQUIRE(decode_envelope(expected, decoded) == EnvelopeError::none);
    same(decoded, envelope);
}

TEST_CASE("What is written is read back, at the ends of every range") {
    const std::string longest_key(longest_unique_key, 'k');
    const std::string large(100'000, 'x');
    for (const std::string_view body :
         {std::string_view(), std::string_view("\0\xff", 2), std::string_view(large)}) {
        for (const std::int64_t time : {smallest, std::int64_t{-1}, std::int64_t{0}, largest}) {
            Envelope envelope;
            envelope.id = MessageId::random();
            envelope.due_ms = time;
            envelope.expires_ms = time;
            envelope.unique_key = longest_key;
            envelope.confirm = ConfirmAddress{std::numeric_limits<std::int32_t>::max(), largest,
                                              std::numeric_limits<std::uint64_t>::max()};
            envelope.reply = ReplyAddress{0, 1, 2};
            envelope.body = bytes(body);
            const Bytes written = encode_envelope(envelope);
            Envelope decoded;
            REQUIRE(decode_envelope(written, decoded) == EnvelopeError::none);
            same(decoded, envelope);
        }
    }
    Envelope small;
    small.kind = EnvelopeKind::confirm;
    small.delay_ms = 0;
    small.unique_key = std::string_view("\0", 1);
    small.confirm = ConfirmAddress{0, 1, 0};
    const Bytes written = encode_envelope(small);
    Envelope decoded;
    REQUIRE(decode_envelope(written, decoded) == EnvelopeError::none);
    same(decoded, small);
}

TEST_CASE("An envelope without options is a head of 40 bytes and the body") {
    Envelope envelope;
    envelope.body = bytes("hello");
    const Bytes written = encode_envelope(envelope);
    CHECK(written.size() == 45);
    CHECK(is_envelope(written));
    CHECK(!is_envelope(bytes("a:1:{i:0;i:1;}")));
    CHECK(!is_envelope(std::span(written).first(7)));
}

TEST_CASE("What cannot be written is refused in words") {
    const std::string key(longest_unique_key + 1, 'k');
    CHECK(refusal_with([](Envelope& e) { e.due_ms = e.delay_ms = 1; }) ==
          "envelope: a due time and a delay contradict each other; give one of them");
    CHECK(refusal_with([](Envelope& e) { e.delay_ms = -1; }) ==
          "envelope: a delay cannot be negative; give 0 or more");
    CHECK(refusal_with([](Envelope& e) { e.delay_ms = longest_delay_ms + 1; }) ==
          "envelope: a delay has at most 4611686018427387903 milliseconds; give less");
    CHECK(refusal_with([&](Envelope& e) { e.unique_key = key; }) ==
          "envelope: the unique key is longer than 255 bytes; use a shorter one, such as a hash of "
          "it");
    CHECK(refusal_with([](Envelope& e) {
              e.confirm = ConfirmAddress{-1, 1, 1};
          }) == "envelope: the queue for the confirm has a negative id; give what msgget returned");
    CHECK(refusal_with([](Envelope& e) {
              e.confirm = ConfirmAddress{1, 0, 1};
          }) ==
          "envelope: the token for the confirm is not positive; use 1 to 9223372036854775807");
    CHECK(
        refusal_with([](Envelope& e) { e.kind = EnvelopeKind::batch; }) ==
        "envelope: only messages, blobs, replies and confirms are written; use one of these kinds");
    for (const ReplyAddress& address : {ReplyAddress{-1, 1, 1}, ReplyAddress{1, 0, 1}}) {
        CHECK(refusal_with([&](Envelope& e) { e.reply = address; }) ==
              "envelope: the queue for the reply has a negative id, or its token is not positive; "
              "give what msgget returned, and 1 to 9223372036854775807");
    }
}

TEST_CASE("Every shorter and every longer envelope is refused, and nothing beyond it is read") {
    const Bytes whole = with_options("0200 0800 0100000000000000");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const AtTheEdge part{std::span(whole).first(size)};
        CAPTURE(size);
        REQUIRE(error_of(part.bytes()) == EnvelopeError::truncated);
        REQUIRE(!envelope_size(part.bytes()));
    }
    CHECK(error_of(AtTheEdge(whole).bytes()) == EnvelopeError::none);
    Bytes longer = whole;
    longer.push_back({});
    CHECK(error_of(longer) == EnvelopeError::too_long);
}

TEST_CASE("Every bit of an envelope counts") {
    const Bytes whole = with_options("0400 0300 6b6579");
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        Bytes damaged = whole;
        damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        CAPTURE(bit);
        REQUIRE(error_of(damaged) != EnvelopeError::none);
        if (bit / 8 >= wire::checksum_at || bit / 8 == wire::kind_at) {
            REQUIRE(error_of(damaged) == EnvelopeError::checksum);
        }
    }
}

TEST_CASE("Bytes that are no envelope, or one of another version, are told apart from damage") {
    CHECK(error_of(bytes(std::string(40, 'x'))) == EnvelopeError::version);
    Bytes later = with_options("");
    later[wire::version_at] = std::byte{2};
    CHECK(error_of(sealed(later)) == EnvelopeError::version);
    CHECK(!envelope_size(later));
    CHECK(error_of({}) == EnvelopeError::truncated);
}

TEST_CASE("A head that says it is shorter than it is is refused") {
    Bytes short_head = with_options("");
    wire::store(short_head.data() + wire::head_size_at, std::uint16_t{39});
    wire::store(short_head.data() + wire::body_size_at, std::uint32_t{5});
    CHECK(error_of(sealed(short_head)) == EnvelopeError::truncated);
    CHECK(!envelope_size(short_head));
}

TEST_CASE("After damage nothing of an envelope is believed") {
    Bytes damaged = with_options("0500 1400 07000000 0900000000000000 0b00000000000000");
    damaged.back() ^= std::byte{1};
    Envelope decoded;
    decoded.delay_ms = 5;
    REQUIRE(decode_envelope(damaged, decoded) == EnvelopeError::checksum);
    same(decoded, Envelope());
}

TEST_CASE("Of a message whose length nobody knows, the head tells it") {
    Bytes slot = with_options("0200 0800 0100000000000000");
    const std::size_t size = slot.size();
    CHECK(envelope_size(slot) == size);
    slot.resize(8192, std::byte{0xFF});
    CHECK(envelope_size(slot) == size);
    CHECK(error_of(std::span(slot).first(size)) == EnvelopeError::none);
    CHECK(!envelope_size(std::span(slot).first(size - 1)));
    CHECK(!envelope_size(bytes(std::string(100, 'x'))));
    // The largest numbers that a head can hold.
    wire::store(slot.data() + wire::head_size_at, std::uint16_t{0xFFFF});
    wire::store(slot.data() + wire::body_size_at, std::uint32_t{0xFFFFFFFF});
    CHECK(!envelope_size(slot));
    CHECK(error_of(slot) == EnvelopeError::truncated);
}

TEST_CASE("Each error has its own words") {
    std::vector<std::string> sentences;
    for (const auto error : {EnvelopeError::none, EnvelopeError::truncated, EnvelopeError::too_long,
                             EnvelopeError::version, EnvelopeError::kind, EnvelopeError::checksum,
                             EnvelopeError::option}) {
        sentences.emplace_back(describe(error));
    }
    CHECK(sentences[5] == "its checksum is wrong");
    std::ranges::sort(sentences);
    CHECK(std::ranges::adjacent_find(sentences) == sentences.end());
}

TEST_CASE("Random ids are set, differ, and print as 32 hexadecimal digits") {
    const MessageId id = MessageId::random();
    CHECK(id.is_set());
    CHECK(!MessageId().is_set());
    CHECK(id != MessageId::random());
    CHECK(counting_id().text() == "000102030405060708090a0b0c0d0e0f");
    MessageId high;
    high.bytes.fill(std::byte{0xFE});
    CHECK(high.text() == "fefefefefefefefefefefefefefefefe");
}

TEST_CASE("A blob says where its body lies, and nothing else says so") {
    Envelope envelope;
    envelope.kind = EnvelopeKind::blob;
    envelope.id = counting_id();
    envelope.delay_ms = 600'000;
    envelope.blob = BlobReference{65'539, 0x9a71bb4c, 5'000'000'000, {}};
    for (std::size_t i = 0; i < envelope.blob->token.size(); ++i)
        envelope.blob->token[i] = static_cast<std::byte>(0xF0 + i);
    const Bytes expected = from_hex("89 6d 79 71 0d 0a 1a 0a 01 03 34 00 20 00 00 00"
                                    "00 00 00 00 00 00 00 00 00 01 02 03 04 05 06 07"
                                    "08 09 0a 0b 0c 0d 0e 0f 02 00 08 00 c0 27 09 00"
                                    "00 00 00 00 03 00 01 00 4c bb 71 9a 00 f2 05 2a"
                                    "01 00 00 00 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb"
                                    "fc fd fe ff");
    CHECK(encode_envelope(envelope) == sealed(expected));
    Envelope decoded;
    REQUIRE(decode_envelope(sealed(expected), decoded) == EnvelopeError::none);
    CHECK(decoded.kind == EnvelopeKind::blob);
    CHECK(decoded.blob == envelope.blob);
    CHECK(decoded.body.empty());
    CHECK(encode_envelope(decoded) == sealed(expected));
    CHECK(decoded.delay_ms == 600'000);

    CHECK(refusal_with([](Envelope& e) { e.kind = EnvelopeKind::blob; }) ==
          "envelope: a blob, and nothing else, says where its body lies in place of one");
    CHECK(refusal_with([](Envelope& e) {
              e.blob = BlobReference{1, 0, 1, {}};
          }) == "envelope: a blob, and nothing else, says where its body lies in place of one");
    CHECK(refusal_with([](Envelope& e) {
              e.kind = EnvelopeKind::blob;
              e.body = {};
              e.blob = BlobReference{-1, 0, 1, {}};
          }) == "envelope: a blob's segment has a negative id or no body; make it with "
                "OutgoingBlob");
}

TEST_CASE("What a blob says of its body is whole or it is broken, its sender can be told") {
    const std::string sound(32, '\1');
    const std::string confirm = "05 00 14 00 02 00 00 00 03 00 00 00 00 00 00 00"
                                "04 00 00 00 00 00 00 00";
    const auto blob_of = [&](std::string_view body) {
        Bytes envelope = with_options(confirm, body);
        envelope[wire::kind_at] = static_cast<std::byte>(EnvelopeKind::blob);
        return sealed(envelope);
    };
    CHECK(error_of(blob_of(sound)) == EnvelopeError::none);
    for (const std::size_t size : {0U, 31U, 33U}) {
        const std::string wrong(size, '\1');
        CHECK(error_of(blob_of(wrong)) == EnvelopeError::blob);
    }
    std::string wrong = sound;
    wrong[3] = '\x80';  // a negative id
    CHECK(error_of(blob_of(wrong)) == EnvelopeError::blob);
    wrong = sound;
    wrong.replace(8, 8, 8, '\0');  // no body
    const Bytes empty = blob_of(wrong);
    Envelope decoded;
    CHECK(decode_envelope(empty, decoded) == EnvelopeError::blob);
    CHECK(decoded.confirm->queue_id == 2);
    CHECK(!decoded.blob);
}

}  // TEST_SUITE("envelope")
