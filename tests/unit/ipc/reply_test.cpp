#include "ipc/reply.hpp"
#include "tests/unit/ipc/envelope_bytes.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>

TEST_SUITE("reply") {

using namespace myq;
using namespace myq::test;

namespace {

using Status = Reply::Status;

Reply part(std::uint64_t first, std::uint64_t second, std::string_view text) {
    Reply reply;
    reply.first = first;
    reply.second = second;
    reply.part = std::as_bytes(std::span(text));
    return reply;
}

}  // namespace

TEST_CASE("A reply is read as it was written") {
    constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
    const std::string body = "reply";
    for (const Status status :
         {Status::done, Status::cut, Status::rejected, Status::dead, Status::expired,
          Status::refused, Status::retrying, Status::progress}) {
        CAPTURE(std::string(name(status)));
        const Bytes written =
            encode_reply({largest, status, "why", 3, largest, bytes(body)}, counting_id());
        CHECK(written.size() == reply_overhead + 3 + 5);
        const auto read = decode_reply(written);
        REQUIRE(read);
        CHECK(read->sequence == largest);
        CHECK(read->status == status);
        CHECK(read->text == "why");
        CHECK(read->first == 3);
        CHECK(read->second == largest);
        CHECK(test::text(Bytes(read->part.begin(), read->part.end())) == "reply");
    }
    Envelope envelope;
    const Bytes written = encode_reply({258, Status::dead, "no", 1, 2, {}}, counting_id());
    REQUIRE(decode_envelope(written, envelope) == EnvelopeError::none);
    CHECK(envelope.id == counting_id());
    CHECK(Bytes(envelope.body.begin(), envelope.body.end()) ==
          from_hex("0201000000000000 03000000 02000000 0100000000000000 0200000000000000 6e6f"));
}

TEST_CASE("A reply that was cut may say where it lies instead") {
    BlobReference large{7, 8, 9, {}};
    large.token.fill(std::byte{0x2a});
    Reply cut{1, Status::cut, "why", 0, 9, {}};
    CHECK(!decode_reply(encode_reply(cut, counting_id()))->large);
    cut.large = large;
    const Bytes written = encode_reply(cut, counting_id());
    CHECK(decode_reply(written)->large == large);
    CHECK(decode_reply(written)->text == "why");
    // Nobody else's parts are taken for that, nor what names nothing.
    cut.status = Status::done;
    CHECK(!decode_reply(encode_reply(cut, counting_id()))->large);
    cut.status = Status::cut;
    cut.large->size = 0;
    CHECK(!decode_reply(encode_reply(cut, counting_id()))->large);
}

TEST_CASE("What is no reply is not read as one") {
    const auto reply = [](std::string_view hex_body, EnvelopeKind kind = EnvelopeKind::reply) {
        const Bytes body = from_hex(hex_body);
        return decode_reply(with_options("", test::text(body), kind)).has_value();
    };
    const std::string whole = "0100000000000000 00000000 01000000 0000000000000000"
                              "0000000000000000 78";
    CHECK(reply(whole));
    CHECK(!reply(whole.substr(0, whole.size() - 3)));                    // the text is cut
    CHECK(!reply(std::string_view(whole).substr(0, whole.size() - 5)));  // so is the head
    CHECK(!reply("0100000000000000 00000000 ffffffff 0000000000000000 0000000000000000 78"));
    CHECK(!reply(whole, EnvelopeKind::message));
    CHECK(!reply(whole, EnvelopeKind::confirm));
    CHECK(!decode_reply(bytes("hello")));
}

TEST_CASE("An end or news of a later version say that there is an end or news, and no more") {
    const auto status = [](std::string_view hex) {
        const Bytes body = from_hex("0100000000000000" + std::string(hex) +
                                    "01000000 0500000000000000 0600000000000000 7879");
        const auto read = decode_reply(with_options("", test::text(body), EnvelopeKind::reply));
        REQUIRE(read);
        CHECK(read->text == "");
        CHECK(read->first == 0);
        CHECK(read->part.empty());
        return read->status;
    };
    CHECK(status("06000000") == Status::dead);
    CHECK(status("0f000000") == Status::dead);
    CHECK(status("12000000") == Status::progress);
    CHECK(status("ffffffff") == Status::progress);
}

TEST_CASE("A reply in parts is whole with its last one, and begins anew with a first one") {
    ReplyAssembly assembly;
    CHECK(!assembly.add(part(0, 5, "ab")));
    CHECK(!assembly.add(part(3, 5, "de")));  // one is missing before it
    CHECK(!assembly.add(part(0, 4, "AB")));
    CHECK(assembly.add(part(2, 4, "CD")));
    CHECK(assembly.whole() == "ABCD");
    CHECK(ReplyAssembly().add(part(0, 0, "")));
}

}  // TEST_SUITE("reply")
