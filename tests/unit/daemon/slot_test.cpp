#include "daemon/slot.hpp"
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
    slot.settle(&SlotHeader::done);
    CHECK(!slot.occupied());
    CHECK(!file.view().occupied);
    CHECK(file.view().deadline_ns == 0);

    receive(slot, 5, "short");
    CHECK(slot.attempts() == 0);
    CHECK(text_of(slot) == "short");
    slot.settle(&SlotHeader::reject);
    for (const auto outcome : {&SlotHeader::retry, &SlotHeader::dead, &SlotHeader::done}) {
        receive(slot, 5, "");
        slot.settle(outcome);
    }
    CHECK(file.counts().done == 2);
    CHECK(file.counts().retry == 1);
    CHECK(file.counts().reject == 1);
    CHECK(file.counts().dead == 1);
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
    put<std::int64_t>(file, page, 0);  // what settle() stores first
    {
        const Slot slot(file);
        CHECK(!slot.occupied());
    }
    store(file, 6, "tiny");
    const Slot slot(file);
    CHECK(slot.attempts() == 0);
    CHECK(text_of(slot) == "tiny");
}

TEST_CASE("no byte in the header makes the next worker crash or read beyond the slot") {
    const RunDir dir;
    const int result = in_child([&] {
        for (const std::int64_t type : {std::int64_t{0}, std::int64_t{7}, std::int64_t{-7}}) {
            for (std::size_t offset = 0; offset < sizeof(SlotHeader); ++offset) {
                for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
                    const SlotFile file(dir.path(), "q.0", 3 * page);
                    {
                        Slot slot(file);
                        receive(slot, 7, "body");
                        slot.begin_attempt(0);
                    }
                    put(file, page, type);
                    put(file, offset, static_cast<unsigned char>(value));
                    Slot slot(file);
                    const auto body = slot.body();
                    if (body.size() > 3 * page) return 2;
                    volatile unsigned sum = 0;
                    for (const std::byte b : body)
                        sum = sum + std::to_integer<unsigned>(b);
                    if (slot.occupied() != (type != 0)) return 3;
                    slot.begin_attempt(0);
                    slot.settle(&SlotHeader::done);
                    // And the supervisor opens whatever it finds.
                    const SlotFile opened(dir.path(), "q.0", 3 * page);
                    if (opened.view().occupied) return 4;
                    Slot(opened).settle(&SlotHeader::done);
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
            put<std::int64_t>(file, page, round % 2);
            for (std::size_t offset = 16; offset < sizeof(SlotHeader); ++offset) {
                put(file, offset, static_cast<unsigned char>(rand_r(&seed)));
            }
            Slot slot(file);
            if (slot.body().size() > 2 * page) return 2;
            if (slot.occupied()) slot.settle(&SlotHeader::done);
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
    CHECK_THROWS_WITH_AS(Slot{file}, "slot q.0 is held by another process", std::runtime_error);
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
