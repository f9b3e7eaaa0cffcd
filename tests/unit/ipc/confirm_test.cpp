#include "ipc/envelope.hpp"
#include "tests/unit/ipc/envelope_bytes.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>
#include <vector>

TEST_SUITE("confirm") {

using namespace myq;
using namespace myq::test;

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

}  // TEST_SUITE("confirm")
