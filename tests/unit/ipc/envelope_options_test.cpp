#include "ipc/envelope.hpp"
#include "tests/unit/ipc/envelope_bytes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>

TEST_SUITE("envelope_options") {

using namespace myq;
using namespace myq::test;

namespace {

EnvelopeError error_of_options(std::string_view hex) {
    return error_of(with_options(hex));
}

}  // namespace

TEST_CASE(
    "Kinds that are reserved or unknown are refused, with what is needed to tell the sender") {
    const Bytes message = with_options("0500 1400 07000000 0900000000000000 0b00000000000000");
    for (const int kind : {0, 2, 6, 255}) {
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
    CHECK(error_of_options("0700 0000") == EnvelopeError::none);
    CHECK(error_of_options("0000 0000") == EnvelopeError::none);
    CHECK(error_of_options("0200 0800 ffffffffffffff3f") == EnvelopeError::none);  // the longest
    CHECK(error_of_options("ffff 0300 aabbcc") == EnvelopeError::option);
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

}  // TEST_SUITE("envelope_options")
