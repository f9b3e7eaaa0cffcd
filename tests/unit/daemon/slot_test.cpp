#include "daemon/slot.hpp"
#include "ipc/envelope.hpp"
#include "ipc/message_queue.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <cstddef>
#include <cstring>
#include <string>

TEST_SUITE("slot") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::size_t capacity = 100'000;

// The address sanitizer turns the signal into exit status 1.
bool faulted(int result) {
    return result == -SIGSEGV || result == 1;
}

}  // namespace

TEST_CASE("a message that landed before its worker was killed is found with its length") {
    using namespace std::string_literals;
    struct Row {
        std::string stored, found;
    };
    const Row rows[] = {
        {"", ""},
        {"x", "x"},
        {"hello, world", "hello, world"},
        {"\0\0\0"s, "\0\0\0"s},
        {"a\xFF"
         "b",
         "a\xFF"
         "b"},
        // The loss that the header of the slot admits: only here, only at the end.
        {"text\xFF\xFF", "text"},
        {"\xFF", ""},
        {std::string(8'000, 'z'), std::string(8'000, 'z')},
    };
    for (const Row& row : rows) {
        CAPTURE(row.stored.size());
        const RunDir dir;
        const ScratchQueue queue;
        REQUIRE(queue.send(7, bytes(row.stored)) == SendStatus::sent);
        REQUIRE(in_child([&] {
                    const SlotFile file(dir.path(), "q.0", capacity);
                    Slot slot(file);
                    queue.receive(slot.buffer(), slot.body_capacity(), Selector::any(), Wait::yes);
                    raise(SIGKILL);  // before landed()
                    return 0;
                }) == -SIGKILL);
        const SlotFile file(dir.path(), "q.0", capacity);
        CHECK(file.view().occupied);
        const Slot slot(file);
        CHECK(slot.occupied());
        CHECK(slot.type() == 7);
        CHECK(slot.attempts() == 0);
        CHECK(text_of(slot) == row.found);
    }
}

TEST_CASE("a message in a handler's hands keeps its exact length and its attempts") {
    const RunDir dir;
    const std::string body = "ends in\xFF\xFF";
    for (const std::uint32_t attempt : {1U, 2U, 3U}) {
        CAPTURE(attempt);
        REQUIRE(in_child([&] {
                    const SlotFile file(dir.path(), "q.0", capacity);
                    Slot slot(file);
                    if (!slot.occupied()) receive(slot, 9, body);
                    slot.begin_attempt(1);  // its time was up long ago
                    raise(SIGKILL);
                    return 0;
                }) == -SIGKILL);
        const SlotFile file(dir.path(), "q.0", capacity);
        CHECK(file.view().deadline_ns == 1);
        const Slot slot(file);
        CHECK(slot.type() == 9);
        CHECK(slot.attempts() == attempt);
        CHECK(text_of(slot) == body);
        // Or the supervisor would end the new worker for the old one's lateness.
        CHECK(file.view().deadline_ns == 0);
    }
}

TEST_CASE("a settled slot is empty, counts its outcome and shows nothing of the last message") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    Slot slot(file);
    receive(slot, 5, std::string(50'000, 'L'));
    slot.begin_attempt(123);
    CHECK(file.view().occupied);
    CHECK(file.view().deadline_ns == 123);
    slot.settle(Tally::handled);
    CHECK(!slot.occupied());
    CHECK(!file.view().occupied);
    CHECK(file.view().deadline_ns == 0);

    receive(slot, 5, "short");
    CHECK(slot.attempts() == 0);
    CHECK(text_of(slot) == "short");
    slot.settle(Tally::died);
    for (const auto outcome : {Tally::retried, Tally::died, Tally::handled}) {
        receive(slot, 5, "");
        slot.settle(outcome);
    }
    CHECK(settled(file, Tally::handled) == 2);
    CHECK(settled(file, Tally::retried) == 1);
    CHECK(settled(file, Tally::died) == 2);
    CHECK(file.view().messages == 5);

    // The next message lands and its worker dies: its length is its own.
    store(file, 6, "tiny");
    const SlotFile again(dir.path(), "q.0", capacity);
    CHECK(text_of(Slot(again)) == "tiny");
}

TEST_CASE("a worker killed between the acknowledgement and the clean-up leaves an empty slot") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    {
        Slot slot(file);
        receive(slot, 5, std::string(50'000, 'L'));
        slot.begin_attempt(0);
    }
    put<std::int64_t>(file, slot_header_size, 0);  // what settle() stores first
    {
        const Slot slot(file);
        CHECK(!slot.occupied());
    }
    store(file, 6, "tiny");
    const Slot slot(file);
    CHECK(slot.attempts() == 0);
    CHECK(text_of(slot) == "tiny");
}

TEST_CASE("a message counts once, and only if it is over, wherever its worker is killed") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    const std::size_t row = Slot(file).tally_row(5);
    // settle() writes the count that will be, then takes the message out, then counts.
    const auto die_in_settle = [&](bool after_acknowledgement) {
        {
            Slot slot(file);
            receive(slot, 5, "body");
            slot.begin_attempt(0);
        }
        SlotHeader header{};
        REQUIRE(pread(file.fd().value(), &header, sizeof header, 0) == sizeof header);
        header.settling_count = header.tallies.at(row).of(Tally::handled) + 1;
        header.settling_place = static_cast<std::uint32_t>(row * tally_kinds + 1);
        put(file, 0, header);
        if (after_acknowledgement) put<std::int64_t>(file, slot_header_size, 0);
    };
    die_in_settle(false);
    {
        Slot slot(file);
        CHECK(slot.occupied());
        CHECK(settled(file, Tally::handled) == 0);
        slot.settle(Tally::handled, row);
    }
    CHECK(settled(file, Tally::handled) == 1);
    die_in_settle(true);
    CHECK(!Slot(file).occupied());
    CHECK(settled(file, Tally::handled) == 2);
    CHECK(!Slot(file).occupied());
    CHECK(settled(file, Tally::handled) == 2);
}

TEST_CASE("tallies are kept by type, the last row is shared, and a slot made larger keeps them") {
    const RunDir dir;
    {
        const SlotFile file(dir.path(), "q.0", capacity);
        Slot slot(file);
        CHECK(slot.tally_row(0) == 0);
        CHECK(slot.tally_row(7) == slot.tally_row(7));
        CHECK(slot.tally_row(7) != slot.tally_row(8));
        receive(slot, 7, "");
        slot.settle(Tally::handled, slot.tally_row(7));
        for (std::int64_t type = 100; type < 300; ++type)
            slot.tally_row(type);
        CHECK(slot.tally_row(300) == 0);
        CHECK(slot.tally_row(7) != 0);
    }
    const SlotFile larger(dir.path(), "q.0", 2 * capacity);
    CHECK(larger.body_capacity() == 2 * capacity);
    for (const TallyRow& row : larger.tallies())
        CHECK(row.of(Tally::handled) == (row.type == 7 ? 1 : 0));
}

TEST_CASE("an envelope tells its own length when its receiver could not") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    Envelope envelope;
    const std::string body = "ends in\xFF\xFF";
    envelope.body = bytes(body);
    const auto encoded = encode_envelope(envelope);
    const std::string whole(reinterpret_cast<const char*>(encoded.data()), encoded.size());
    store(file, 6, whole);
    CHECK(text_of(Slot(file)) == whole);
}

TEST_CASE("what failed at once is remembered, the newest few, and forgotten with its message") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    {
        Slot slot(file);
        receive(slot, 5, "body");
        for (std::int64_t i = 0; i < 20; ++i) {
            slot.begin_attempt(0);
            slot.note_failure(1000 + i, std::string(200, 'c'));
        }
    }
    Slot slot(file);
    REQUIRE(slot.failures().size() == 8);
    CHECK(slot.failures().front().attempt == 13);
    CHECK(slot.failures().back().at_ms == 1019);
    CHECK(slot.failures().back().cause_size == 112);
    slot.settle(Tally::died);
    receive(slot, 5, "next");
    CHECK(slot.failures().empty());
}

TEST_CASE("rows of the journal that are over are known to the next worker") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    {
        Slot slot(file);
        slot.hold_claims(true);
        slot.load(11, 5, 2, {}, 0, bytes("one"));
        CHECK(slot.attempts() == 2);
        slot.settle(Tally::handled);
        slot.load(12, 5, 0, {}, 0, bytes("two"));
        slot.settle(Tally::retried);
        slot.load(13, 5, 0, {}, 99, bytes("three"));
    }
    CHECK(file.view().occupied);
    Slot slot(file);
    CHECK(slot.row() == 13);
    CHECK(slot.expires_ms() == 99);
    CHECK(text_of(slot) == "three");
    CHECK(slot.holds_claims());
    REQUIRE(slot.done_rows().size() == 1);
    CHECK(slot.done_rows()[0] == 11);
    CHECK(!slot.is_row_over(13));
}

TEST_CASE("a slot file that was cut short is seen to be broken") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    REQUIRE(truncate((dir / "q.0").c_str(), 100) == 0);
    CHECK(file.view().broken);
    CHECK(!SlotFile(dir.path(), "q.0", capacity).view().broken);
}

TEST_CASE("no byte in the header makes the next worker crash or read beyond the slot") {
    const RunDir dir;
    const int result = in_child([&] {
        for (const std::int64_t type : {std::int64_t{0}, std::int64_t{7}, std::int64_t{-7}}) {
            // Every byte of the single members, and some of the tables behind them.
            const auto step = [](std::size_t offset) {
                return offset < offsetof(SlotHeader, done_rows) ? std::size_t{1} : std::size_t{97};
            };
            for (std::size_t offset = 0; offset < sizeof(SlotHeader); offset += step(offset)) {
                for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
                    const SlotFile file(dir.path(), "q.0", 3 * page);
                    {
                        Slot slot(file);
                        receive(slot, 7, "body");
                        slot.begin_attempt(0);
                    }
                    put(file, slot_header_size, type);
                    put(file, offset, static_cast<unsigned char>(value));
                    Slot slot(file);
                    const auto body = slot.body();
                    if (body.size() > 3 * page) return 2;
                    volatile unsigned sum = 0;
                    for (const std::byte b : body)
                        sum = sum + std::to_integer<unsigned>(b);
                    if (slot.occupied() != (type != 0)) return 3;
                    slot.begin_attempt(0);
                    slot.settle(Tally::handled);
                    slot.hold_claims(false);
                    // And the supervisor opens whatever it finds.
                    const SlotFile opened(dir.path(), "q.0", 3 * page);
                    if (opened.view().occupied) return 4;
                    Slot(opened).settle(Tally::handled);
                }
            }
        }
        return 0;
    });
    CHECK(result == 0);
}

TEST_CASE("a header full of noise does no harm either") {
    const RunDir dir;
    const int result = in_child([&] {
        unsigned seed = 1;
        for (int round = 0; round < 2'000; ++round) {
            const SlotFile file(dir.path(), "q.0", 2 * page);
            put<std::int64_t>(file, slot_header_size, round % 2);
            std::string noise(sizeof(SlotHeader) - offsetof(SlotHeader, state), '\0');
            for (char& byte : noise)
                byte = static_cast<char>(rand_r(&seed));
            put_bytes(file, offsetof(SlotHeader, state), noise);
            Slot slot(file);
            if (slot.body().size() > 2 * page) return 2;
            if (slot.occupied()) slot.settle(Tally::handled);
        }
        return 0;
    });
    CHECK(result == 0);
}

TEST_CASE("a second claimer is refused while the first lives") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    Lines lines;
    const pid_t first = fork_child([&] {
        const Slot slot(file);
        lines.say("claimed");
        pause();
        return 0;
    });
    lines.wait_for("claimed");
    CHECK_THROWS_WITH_AS(Slot{file}, "slot q.0 is locked by another process", std::runtime_error);
    kill(first, SIGKILL);
    CHECK(myq::test::wait_for(first) == -SIGKILL);
    CHECK_NOTHROW(Slot{file});
}

TEST_CASE("a handler that writes to the body of its message faults") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    CHECK(faulted(in_child([&] {
        Slot slot(file);
        receive(slot, 3, "precious");
        const_cast<std::byte&>(slot.body()[0]) = std::byte{'X'};
        return 2;
    })));
    CHECK(text_of(Slot(file)) == "precious");
}

TEST_CASE("a process that a handler forks can read the message but not reach the slot") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    Slot slot(file);
    receive(slot, 3, "precious");
    const auto body = slot.body();
    CHECK(in_child([&] { return std::memcmp(body.data(), "precious", body.size()); }) == 0);
    CHECK(faulted(in_child([&] {
        *static_cast<volatile char*>(slot.buffer()) = 0;
        return 2;
    })));
    CHECK(text_of(slot) == "precious");
}

TEST_CASE("a worker says how large a slot it needs, and the next one starts afresh") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    Slot(file).need(500'000);
    CHECK(file.view().needed_body == 500'000);
    const Slot next(file);
    CHECK(file.view().needed_body == 0);
}

}  // TEST_SUITE("slot")
