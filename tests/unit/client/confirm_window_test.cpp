#include "client/confirm_window.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <vector>

TEST_SUITE("confirm_window") {

using namespace myq;

namespace {

MessageId id_of(std::uint64_t number) {
    MessageId id;
    for (std::size_t i = 0; i < 8; ++i)
        id.bytes[i] = static_cast<std::byte>(number >> (8 * i));
    return id;
}

void add(ConfirmWindow& window, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i)
        window.add(id_of(window.next()));
}

using Numbers = std::vector<std::uint64_t>;

Numbers settle(ConfirmWindow& window, const ConfirmRun& run) {
    Numbers settled;
    window.settle(run, [&](std::uint64_t sequence, const MessageId& id) {
        CHECK(id == id_of(sequence));
        settled.push_back(sequence);
    });
    return settled;
}

constexpr auto accepted = ConfirmStatus::accepted;
constexpr auto full = ConfirmStatus::full;
constexpr auto failed = ConfirmStatus::failed;

}  // namespace

TEST_CASE("A window fills with sequence numbers from 1 and empties by runs in any order") {
    ConfirmWindow window(4);
    CHECK(window.is_empty());
    CHECK(window.next() == 1);
    add(window, 4);
    CHECK(window.is_full());
    CHECK(settle(window, {3, 1, accepted}) == Numbers{3});
    CHECK_FALSE(window.is_full());
    CHECK(window.next() == 5);
    add(window, 1);
    CHECK(window.is_full());
    CHECK(settle(window, {4, 2, accepted}) == Numbers{4, 5});
    CHECK(window.in_flight() == 2);
    CHECK(settle(window, {1, 2, accepted}) == Numbers{1, 2});
    CHECK(window.is_empty());
    CHECK(window.sent() == 5);
    CHECK(window.accepted() == 5);
    CHECK_FALSE(window.has_refused());
}

TEST_CASE("A straggler does not make the window larger than it is") {
    ConfirmWindow window(2);
    add(window, 2);
    for (std::uint64_t i = 2; i < 1000; ++i) {
        CHECK(settle(window, {i, 1, accepted}).size() == 1);
        CHECK(window.in_flight() == 1);
        add(window, 1);
        CHECK(window.is_full());
    }
    CHECK(settle(window, {1, 1, accepted}) == Numbers{1});
}

TEST_CASE("What is not in flight settles nothing: repeated, not yet sent, nonsense") {
    constexpr std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();
    ConfirmWindow window(10);
    add(window, 3);
    CHECK(settle(window, {2, 1, accepted}) == Numbers{2});
    CHECK(settle(window, {2, 1, accepted}).empty());
    CHECK(settle(window, {2, 1, full}).empty());
    CHECK(settle(window, {0, 1, accepted}).empty());
    CHECK(settle(window, {1, 0, accepted}).empty());
    CHECK(settle(window, {4, 100, accepted}).empty());
    CHECK(settle(window, {highest, 2, accepted}).empty());
    CHECK(settle(window, {highest - 1, UINT32_MAX, full}).empty());
    CHECK(window.accepted() == 1);
    CHECK_FALSE(window.has_refused());
    CHECK(settle(window, {0, UINT32_MAX, accepted}) == Numbers{1, 3});
    CHECK(window.accepted() == 3);
}

TEST_CASE("Refused messages are remembered in order, neighbours together") {
    ConfirmWindow window(20);
    add(window, 12);
    settle(window, {9, 1, full});
    settle(window, {4, 2, full});
    settle(window, {6, 1, failed});
    settle(window, {3, 1, full});
    settle(window, {1, 2, accepted});
    using Refused = ConfirmWindow::Refused;
    CHECK(window.refused() == std::vector<Refused>{{3, 5, full}, {6, 6, failed}, {9, 9, full}});
    CHECK(window.has_refused());
    CHECK(window.accepted() == 2);
    CHECK(window.in_flight() == 5);
    CHECK(numbers_of(window.refused(), full) == "3 to 5, 9");
    CHECK(numbers_of(window.refused(), failed) == "6");
    CHECK(numbers_of(window.refused(), ConfirmStatus::broken).empty());
}

TEST_CASE("Of many refused runs only the first are named") {
    ConfirmWindow window(100);
    add(window, 40);
    for (std::uint64_t i = 1; i <= 12; i += 2)
        settle(window, {i, 1, full});
    CHECK(numbers_of(window.refused(), full) == "1, 3, 5, 7, 9 and 1 more");
    settle(window, {13, 10, full});
    settle(window, {14, 10, full});
    settle(window, {30, 11, full});
    CHECK(numbers_of(window.refused(), full) == "1, 3, 5, 7, 9 and 23 more");
}

TEST_CASE("Whatever the order of answers, each message is settled once") {
    for (const unsigned seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        ConfirmWindow window(64);
        std::uint64_t settled = 0;
        while (window.sent() < 5000) {
            while (!window.is_full() && random() % 8 != 0)
                add(window, 1);
            const ConfirmRun run{random() % (window.sent() + 3),
                                 static_cast<std::uint32_t>(random() % 16),
                                 random() % 50 == 0 ? full : accepted};
            settled += settle(window, run).size();
            CHECK(settled + window.in_flight() == window.sent());
        }
        settled += settle(window, {1, UINT32_MAX, accepted}).size();
        CHECK(settled == window.sent());
        std::uint64_t refused = 0;
        for (const auto& run : window.refused())
            refused += run.last - run.first + 1;
        CHECK(window.accepted() + refused == settled);
    }
}

}  // TEST_SUITE("confirm_window")
