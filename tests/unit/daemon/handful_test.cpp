#include "daemon/handful.hpp"
#include "daemon/slot.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/run_dir.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <span>
#include <string>

TEST_SUITE("handful") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::size_t capacity = 5'000;

// What msgrcv() does, and what the worker does next.
void land(Slot& slot, std::int64_t type, std::string_view body) {
    void* buffer = slot.handful().next();
    REQUIRE(buffer != nullptr);
    std::memcpy(buffer, &type, sizeof type);
    std::memcpy(static_cast<char*>(buffer) + sizeof type, body.data(), body.size());
    slot.handful().landed(body.size());
}

// "7:one 8:two ": all that is not over, the hand first, as a worker would take them.
std::string take_all(Slot& slot, Tally tally = Tally::handled) {
    std::string all;
    do {
        if (!slot.occupied()) continue;
        all += std::to_string(slot.type()) + ':' + text_of(slot) + ' ';
        slot.settle(tally);
    } while (slot.take_next());
    return all;
}

struct Scene {
    // A worker's life on the slot, which ends by SIGKILL.
    void killed(const std::function<void(Slot&)>& work) const {
        REQUIRE(in_child([&] {
                    Slot slot(file);
                    slot.make_room_for_many();
                    work(slot);
                    raise(SIGKILL);
                    return 0;
                }) == -SIGKILL);
    }
    // What its successor finds.
    std::string found() const {
        Slot slot(file);
        const std::string all = take_all(slot);
        CHECK(!slot.occupied());
        CHECK(!file.view().occupied);
        return all;
    }
    std::uint64_t handled() const { return settled(file, Tally::handled); }

    RunDir run;
    SlotFile file{run.path(), "jobs.0", capacity};
};

std::size_t size_of(const SlotFile& file) {
    struct stat st {};
    REQUIRE(::fstat(file.fd().value(), &st) == 0);
    return static_cast<std::size_t>(st.st_size);
}

}  // namespace

TEST_CASE("a slot has room for a handful only where a worker asked for it, and keeps it") {
    const Scene scene;
    const std::size_t bare = size_of(scene.file);
    {
        const Slot slot(scene.file);
        CHECK(!slot.handful().has_room());
    }
    give_up_lock(scene.file);
    scene.killed([](Slot& slot) { receive(slot, 7, "kept"); });
    CHECK(size_of(scene.file) == bare + Handful::room);
    const SlotFile again(scene.run.path(), "jobs.0", capacity);
    CHECK(again.identity() == scene.file.identity());
    CHECK(again.view().occupied);
}

TEST_CASE("what was in a handful when its worker was killed is there for the next, in order") {
    const Scene scene;
    SUBCASE("behind the one in hand") {
        scene.killed([](Slot& slot) {
            receive(slot, 7, "one");
            land(slot, 8, "two");
            land(slot, 9, "");
            land(slot, 7, std::string(capacity, 'x'));
        });
        CHECK(scene.found() == "7:one 8:two 9: 7:" + std::string(capacity, 'x') + ' ');
        CHECK(scene.handled() == 4);
    }
    SUBCASE("with an empty hand, and the slot counts as occupied") {
        scene.killed([](Slot& slot) { land(slot, 8, "two"); });
        CHECK(scene.file.view().occupied);
        CHECK(look_at_slot(scene.file.fd()).batch_size == 1);
        CHECK(scene.found() == "8:two ");
    }
    SUBCASE("landed, with a length that nobody learned") {
        scene.killed([](Slot& slot) {
            land(slot, 8, "two");
            void* buffer = slot.handful().next();
            const std::int64_t type = 9;
            std::memcpy(buffer, &type, sizeof type);
            std::memcpy(static_cast<char*>(buffer) + sizeof type, "three", 5);
        });
        CHECK(scene.found() == "8:two 9:three ");
    }
    SUBCASE("some of them over") {
        scene.killed([](Slot& slot) {
            receive(slot, 7, "one");
            land(slot, 7, "two");
            land(slot, 7, "three");
            slot.settle_in_handful(0, Tally::handled, 0);
        });
        CHECK(scene.found() == "7:one 7:three ");
        CHECK(scene.handled() == 3);
    }
    SUBCASE("armed, and nothing landed") {
        scene.killed([](Slot& slot) { slot.handful().next(); });
        CHECK(scene.found().empty());
    }
}

TEST_CASE("a message on its way from the handful into the hand is in one of them") {
    const Scene scene;
    const std::size_t handful = slot_header_size + 8 + capacity;
    const std::size_t first = (handful + page - 1) / page * page;
    constexpr std::size_t moving = offsetof(SlotHeader, handful) + offsetof(SlotHandful, moving);
    scene.killed([](Slot& slot) {
        land(slot, 7, "one");
        land(slot, 7, "two");
        slot.take_next();
    });
    SUBCASE("killed before it was in the hand") {
        put<std::uint32_t>(scene.file, first + offsetof(Handful::Head, over), 0);
        put<std::uint32_t>(scene.file, moving, 1);
        put<std::int64_t>(scene.file, slot_header_size, 0);
    }
    SUBCASE("killed when it was in both") {
        put<std::uint32_t>(scene.file, first + offsetof(Handful::Head, over), 0);
        put<std::uint32_t>(scene.file, moving, 1);
    }
    SUBCASE("killed afterwards") {}
    CHECK(scene.found() == "7:one 7:two ");
    CHECK(scene.handled() == 2);
}

TEST_CASE("what is settled in the handful counts once, and only if it is over") {
    const Scene scene;
    constexpr std::size_t handful = offsetof(SlotHeader, handful);
    const std::size_t first = (slot_header_size + 8 + capacity + page - 1) / page * page;
    scene.killed([](Slot& slot) {
        land(slot, 7, "one");
        land(slot, 7, "two");
    });
    put<std::uint64_t>(scene.file, offsetof(SlotHeader, settling_count), 1);
    put<std::uint32_t>(scene.file, offsetof(SlotHeader, settling_place), 1);
    put<std::uint32_t>(scene.file, handful + offsetof(SlotHandful, settling), 1);
    SUBCASE("killed before the acknowledgement") {
        CHECK(scene.found() == "7:one 7:two ");
        CHECK(scene.handled() == 2);
    }
    SUBCASE("killed after it") {
        put<std::uint32_t>(scene.file, first + offsetof(Handful::Head, over), 1);
        CHECK(scene.found() == "7:two ");
        CHECK(scene.handled() == 2);
    }
    SUBCASE("killed after that of the last") {
        scene.killed([](Slot& slot) { slot.settle_in_handful(1, Tally::expired, 0); });
        put<std::uint64_t>(scene.file, offsetof(SlotHeader, settling_count), 1);
        put<std::uint32_t>(scene.file, offsetof(SlotHeader, settling_place), 1);
        put<std::uint32_t>(scene.file, handful + offsetof(SlotHandful, settling), 1);
        put<std::uint32_t>(scene.file, first + offsetof(Handful::Head, over), 1);
        CHECK(scene.found().empty());
        CHECK(scene.handled() == 1);
    }
}

TEST_CASE("a handful is like new when all of it is over, and what was in it is not found again") {
    const Scene scene;
    scene.killed([](Slot& slot) {
        land(slot, 7, std::string(3'000, 'x'));
        land(slot, 7, "two");
        if (take_all(slot).empty()) std::abort();
        if (slot.handful().is_open() || !slot.handful().messages().empty()) std::abort();
        land(slot, 7, "new");
    });
    CHECK(scene.found() == "7:new ");
}

TEST_CASE("a handful takes what there is room for, and no message that the hand could not take") {
    const Scene scene;
    Slot slot(scene.file);
    CHECK(slot.handful().next() == nullptr);
    slot.make_room_for_many();
    CHECK(slot.handful().next_capacity() == capacity);
    while (slot.handful().next_capacity() == capacity)
        land(slot, 7, std::string(capacity, 'x'));
    CHECK(slot.handful().messages().size() >= Handful::room / (capacity + 100));
    const std::string fits(slot.handful().next_capacity(), 'y');
    const std::string longer = fits + 'y';
    CHECK(!slot.handful().load(1, 7, {}, 0, std::as_bytes(std::span(longer))));
    CHECK(slot.handful().load(1, 7, {}, 0, std::as_bytes(std::span(fits))));
    CHECK(slot.handful().next() == nullptr);
    CHECK(take_all(slot).ends_with(":" + fits + ' '));
    while (slot.handful().messages().size() < Handful::most_messages)
        land(slot, 7, "");
    CHECK(slot.handful().next() == nullptr);
}

TEST_CASE("a row of the journal keeps in the handful what it is, and is noted when it is over") {
    const Scene scene;
    const SlotMessageId id{std::byte{1}, std::byte{2}};
    scene.killed([&](Slot& slot) {
        for (const std::int64_t row : {5, 6})
            slot.handful().load(row, 7, id, 99, std::as_bytes(std::span("row", 3)));
        slot.settle_in_handful(0, Tally::handled, 0);
    });
    Slot slot(scene.file);
    CHECK(slot.is_row_over(5));
    CHECK(!slot.is_row_over(6));
    CHECK(!slot.handful().holds_row(5));
    CHECK(slot.handful().holds_row(6));
    CHECK(look_at_slot(scene.file.fd()).batch_size == 0);
    REQUIRE(slot.take_next());
    CHECK(slot.row() == 6);
    CHECK(slot.id() == id);
    CHECK(slot.expires_ms() == 99);
    CHECK(slot.attempts() == 0);
    CHECK(!slot.handful().holds_rows());
}

TEST_CASE("a call of many counts as an attempt of each of them, and is known to a successor") {
    const Scene scene;
    scene.killed([](Slot& slot) {
        receive(slot, 7, "one");
        land(slot, 7, "two");
        land(slot, 7, "not in the call");
        slot.begin_call(2, 5);
    });
    CHECK(scene.file.view().deadline_ns == 5);
    Slot slot(scene.file);
    CHECK(slot.in_call() == 2);
    CHECK(slot.attempts() == 1);
    slot.end_call();
    CHECK(slot.in_call() == 0);
    slot.settle(Tally::handled);
    REQUIRE(slot.take_next());
    CHECK(slot.attempts() == 1);
    slot.settle(Tally::handled);
    REQUIRE(slot.take_next());
    CHECK(slot.attempts() == 0);
}

TEST_CASE("no bytes in a handful make its worker crash or reach beyond it") {
    const Scene scene;
    const std::size_t first = (slot_header_size + 8 + capacity + page - 1) / page * page;
    scene.killed([](Slot& slot) { land(slot, 7, "one"); });
    SUBCASE("a length beyond its room") {
        put<std::uint64_t>(scene.file, first, Handful::room * 2);
        put<std::uint64_t>(scene.file, first + sizeof(Handful::Head) + 8 + 3, 0xFFFF);
    }
    SUBCASE("a place that is none") {
        constexpr std::size_t handful = offsetof(SlotHeader, handful);
        put<std::uint32_t>(scene.file, handful + offsetof(SlotHandful, settling), 77);
        put<std::uint32_t>(scene.file, handful + offsetof(SlotHandful, moving), 78);
        put<std::uint32_t>(scene.file, offsetof(SlotHeader, settling_place), 1);
        put<std::int64_t>(scene.file, slot_header_size, 3);
    }
    SUBCASE("cut off") {
        const auto end = static_cast<off_t>(first);
        REQUIRE(::ftruncate(scene.file.fd().value(), end) == 0);
    }
    SUBCASE("cut in a page") {
        const auto end = static_cast<off_t>(first + page + 5);
        REQUIRE(::ftruncate(scene.file.fd().value(), end) == 0);
    }
    scene.found();
    CHECK(!scene.file.view().occupied);
}

}  // TEST_SUITE("handful")
