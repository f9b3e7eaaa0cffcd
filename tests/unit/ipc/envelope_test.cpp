#include "ipc/envelope.hpp"
#include "ipc/wire.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace myq;
using namespace myq::test;

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();

MessageId counting_id() {
    MessageId id;
    for (std::size_t i = 0; i < id.bytes.size(); ++i)
        id.bytes[i] = static_cast<std::byte>(i);
    return id;
}

Bytes from_hex(std::string_view hex) {
    Bytes result;
    std::string pair;
    for (const char c : hex) {
        if (c == ' ') continue;
        pair += c;
        if (pair.size() < 2) continue;
        result.push_back(static_cast<std::byte>(std::stoi(pair, nullptr, 16)));
        pair.clear();
    }
    return result;
}

// An envelope of any numbers and options with a checksum that is right.
Bytes sealed(Bytes envelope) {
    wire::store(envelope.data() + wire::checksum_at, wire::checksum(envelope));
    return envelope;
}

Bytes with_options(std::string_view hex, std::string_view body = "body",
                   EnvelopeKind kind = EnvelopeKind::message) {
    const Bytes options = from_hex(hex);
    Envelope plain;
    plain.kind = kind;
    plain.body = bytes(body);
    Bytes result = encode_envelope(plain);
    result.insert(result.begin() + envelope_head_size, options.begin(), options.end());
    wire::store(result.data() + wire::head_size_at,
                static_cast<std::uint16_t>(envelope_head_size + options.size()));
    return sealed(result);
}

EnvelopeError error_of(std::span<const std::byte> envelope) {
    Envelope decoded;
    return decode_envelope(envelope, decoded);
}

EnvelopeError error_of_options(std::string_view hex) {
    return error_of(with_options(hex));
}

std::string refusal_of(const Envelope& envelope) {
    try {
        encode_envelope(envelope);
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "written";
}

std::string text(std::span<const std::byte> body) {
    return test::text(Bytes(body.begin(), body.end()));
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
    CHECK(text(one.body) == text(two.body));
}

// Bytes that end where the process's memory ends: reading one more is SIGSEGV.
class AtTheEdge {
public:
    explicit AtTheEdge(std::span<const std::byte> content) : size_(content.size()) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        room_ = (size_ / page + 1) * page;
        memory_ = static_cast<std::byte*>(mmap(nullptr, room_ + page, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        std::ranges::copy(content, memory_ + room_ - size_);
        REQUIRE(mprotect(memory_ + room_, page, PROT_NONE) == 0);
        mapped_ = room_ + page;
    }
    ~AtTheEdge() { munmap(memory_, mapped_); }
    AtTheEdge(const AtTheEdge&) = delete;
    AtTheEdge& operator=(const AtTheEdge&) = delete;

    std::span<const std::byte> bytes() const { return {memory_ + room_ - size_, size_}; }

private:
    std::size_t size_, room_ = 0, mapped_ = 0;
    std::byte* memory_ = nullptr;
};

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
    const auto refusal_with = [](auto change) {
        Envelope envelope;
        change(envelope);
        return refusal_of(envelope);
    };
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
    CHECK(refusal_with([](Envelope& e) { e.kind = EnvelopeKind::batch; }) ==
          "envelope: only messages and confirms are written; use one of these kinds");
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

TEST_CASE(
    "Kinds that are reserved or unknown are refused, with what is needed to tell the sender") {
    const Bytes message = with_options("0500 1400 07000000 0900000000000000 0b00000000000000");
    for (const int kind : {0, 2, 3, 4, 6, 255}) {
        Bytes other = message;
        other[wire::kind_at] = static_cast<std::byte>(kind);
        other = sealed(other);
        Envelope decoded;
        CAPTURE(kind);
        REQUIRE(decode_envelope(other, decoded) == EnvelopeError::kind);
        CHECK(static_cast<int>(decoded.kind) == kind);
        REQUIRE(decoded.confirm);
        CHECK(decoded.confirm->queue_id == 7);
        CHECK(decoded.confirm->token == 9);
        CHECK(decoded.confirm->sequence == 11);
        CHECK(text(decoded.body) == "body");
    }
}

TEST_CASE("Unknown options are skipped unless they must be understood") {
    CHECK(error_of_options("ff7f 0300 aabbcc") == EnvelopeError::none);
    CHECK(error_of_options("ff7f 0000 ff7f 0000") == EnvelopeError::none);
    CHECK(error_of_options("0600 0100 aa 0700 0000") == EnvelopeError::none);  // reserved
    CHECK(error_of_options("0000 0000") == EnvelopeError::none);
    CHECK(error_of_options("0200 0800 ffffffffffffff3f") == EnvelopeError::none);  // the longest
    CHECK(error_of_options("ffff 0300 aabbcc") == EnvelopeError::option);
    CHECK(error_of_options("0680 0100 aa") == EnvelopeError::option);
    CHECK(error_of_options("0780 0000") == EnvelopeError::option);

    const Bytes marked = with_options("ff7f 0100 aa 0280 0800 0500000000000000 ff7f 0000");
    Envelope decoded;
    REQUIRE(decode_envelope(marked, decoded) == EnvelopeError::none);
    CHECK(decoded.delay_ms == 5);
}

TEST_CASE("Options that are malformed, twice there or contradict each other are refused") {
    for (const char* options : {
             "02",                                                      // half a tag
             "0200 08",                                                 // half a length
             "0200 0800 01000000000000",                                // longer than the head
             "ff7f 0100",                                               // likewise, unknown
             "0200 0700 01000000000000",                                // a short number
             "0200 0900 010000000000000000",                            // a long one
             "0100 0000",                                               // none
             "0300 0400 01000000",                                      //
             "0200 0800 ffffffffffffffff",                              // delay -1
             "0200 0800 0000000000000040",                              // delay 2^62
             "0100 0800 0100000000000000 0100 0800 0100000000000000",   // due twice
             "0200 0800 0100000000000000 0280 0800 0100000000000000",   // delay twice
             "0300 0800 0100000000000000 0300 0800 0200000000000000",   // expires twice
             "0100 0800 0100000000000000 0200 0800 0100000000000000",   // due and delay
             "0400 0000",                                               // an empty key
             "0400 0100 6b 0400 0100 6b",                               // key twice
             "0500 1300 07000000 0900000000000000 0b000000000000",      // a short address
             "0500 1500 07000000 0900000000000000 0b0000000000000000",  // a long one
             "0500 1400 ffffffff 0900000000000000 0b00000000000000",    // queue -1
             "0500 1400 07000000 0000000000000000 0b00000000000000",    // token 0
             "0500 1400 07000000 0000000000000080 0b00000000000000",    // token below 0
             "0500 1400 07000000 0900000000000000 0b00000000000000 0500 1400 07000000 "
             "0900000000000000 0c00000000000000",  // confirm twice
         }) {
        CAPTURE(options);
        CHECK(error_of_options(options) == EnvelopeError::option);
    }
    std::string long_key = "0400 0001";
    for (int i = 0; i < 256; ++i)
        long_key += "6b";
    CHECK(error_of_options(long_key) == EnvelopeError::option);
}

TEST_CASE("A flag of a later version is refused") {
    for (unsigned bit = 0; bit < 32; ++bit) {
        Bytes flagged = with_options("");
        wire::store(flagged.data() + wire::flags_at, std::uint32_t{1} << bit);
        CHECK(error_of(sealed(flagged)) == EnvelopeError::option);
    }
}

TEST_CASE("Behind a wrong option the address of the sender is still found") {
    Bytes wrong = with_options("ffff 0000 0200 0800 ffffffffffffffff"
                               "0500 1400 07000000 0900000000000000 0b00000000000000");
    std::ranges::copy(counting_id().bytes, wrong.begin() + wire::id_at);
    wrong = sealed(wrong);
    Envelope decoded;
    REQUIRE(decode_envelope(wrong, decoded) == EnvelopeError::option);
    REQUIRE(decoded.confirm);
    CHECK(decoded.confirm->sequence == 11);
    CHECK(decoded.id == counting_id());
    CHECK(text(decoded.body) == "body");
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

TEST_CASE("The checksum is the CRC-32C of RFC 3720, whatever the length") {
    // Against the definition, bit by bit, at lengths around every block size of a fast one.
    const auto definition = [](std::span<const std::byte> data) {
        std::uint32_t crc = 0xFFFFFFFF;
        for (std::size_t i = 0; i < data.size(); ++i) {
            const bool own = i >= wire::checksum_at && i < wire::checksum_at + 4;
            crc ^= own ? 0 : std::to_integer<std::uint32_t>(data[i]);
            for (int bit = 0; bit < 8; ++bit)
                crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
        }
        return ~crc;
    };
    Bytes data(5000);
    for (std::size_t i = 0; i < data.size(); ++i)
        data[i] = static_cast<std::byte>(i * 7 + i / 256);
    for (std::size_t size = envelope_head_size; size < 700; ++size) {
        const AtTheEdge part{std::span(data).first(size)};
        CAPTURE(size);
        REQUIRE(wire::checksum(part.bytes()) == definition(part.bytes()));
    }
    CHECK(wire::checksum(data) == definition(data));
}

TEST_CASE("A confirm is read as it was written") {
    const std::vector<ConfirmRun> runs{
        {0, 1, ConfirmStatus::accepted},
        {1, 0xFFFFFFFF, ConfirmStatus::full},
        {std::numeric_limits<std::uint64_t>::max() - 1, 1, ConfirmStatus::broken}};
    CHECK(decode_confirm(encode_confirm(runs)) == runs);
    CHECK(decode_confirm(encode_confirm({})) == std::vector<ConfirmRun>());
    CHECK(encode_confirm(runs).size() == envelope_head_size + 48);

    const std::vector<ConfirmRun> one{{258, 3, ConfirmStatus::duplicate}};
    const Bytes written = encode_confirm(one);
    CHECK(Bytes(written.begin() + envelope_head_size, written.end()) ==
          from_hex("0201000000000000 03000000 01000000"));
}

TEST_CASE("What is no confirm is not read as one") {
    const auto confirm = [](std::string_view hex_body) {
        return decode_confirm(
            with_options("", test::text(from_hex(hex_body)), EnvelopeKind::confirm));
    };
    CHECK(confirm("0100000000000000 01000000 00000000"));
    CHECK(!confirm("0100000000000000 01000000 000000"));    // a part of a run
    CHECK(!confirm("0100000000000000 00000000 00000000"));  // a run of none
    CHECK(!confirm("ffffffffffffffff 01000000 00000000"));  // beyond the last number
    CHECK(confirm("00000000ffffffff ffffffff 00000000"));   // up to the last
    CHECK(!confirm("01000000ffffffff ffffffff 00000000"));
    CHECK(!decode_confirm(with_options("", std::string(16, 'x'))));  // a message
    CHECK(!decode_confirm(bytes("hello")));
    const auto later = confirm("0100000000000000 01000000 05000000");
    REQUIRE(later);
    CHECK(later->front().status == ConfirmStatus::failed);
}
