#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

TEST_SUITE("ticket") {

using namespace myq;
using namespace myq::test;

namespace {

bool repeated(Journal& journal, const SlotTicket& ticket) {
    bool result = false;
    journal.transact(Survives::kill, [&] { result = journal.is_repeated(ticket); });
    return result;
}

}  // namespace

TEST_CASE("a ticket is good once") {
    ScratchJournal journal;
    CHECK_FALSE(repeated(journal, {1, 1}));
    CHECK(repeated(journal, {1, 1}));
    CHECK_FALSE(repeated(journal, {1, 2}));
    CHECK(repeated(journal, {1, 1}));  // a later one of its slot was seen
    CHECK_FALSE(repeated(journal, {1, 100}));
    CHECK(repeated(journal, {1, 99}));
}

TEST_CASE("to ask whether a ticket is on record does not put it there") {
    ScratchJournal journal;
    CHECK_FALSE(journal.is_recorded({1, 2}));
    CHECK_FALSE(repeated(journal, {1, 2}));
    CHECK(journal.is_recorded({1, 2}));
    CHECK(journal.is_recorded({1, 1}));
    CHECK_FALSE(journal.is_recorded({1, 3}));
    CHECK_FALSE(journal.is_recorded({2, 1}));
    journal.transact(Survives::kill, [&] { CHECK(journal.is_recorded({1, 2})); });
}

TEST_CASE("each slot has its own tickets, whatever its number") {
    ScratchJournal journal;
    for (const std::uint64_t of : {std::uint64_t{0}, std::uint64_t{1}, slot, ~std::uint64_t{0}}) {
        CAPTURE(of);
        CHECK_FALSE(repeated(journal, {of, 5}));
        CHECK(repeated(journal, {of, 5}));
    }
}

TEST_CASE("a ticket of a transaction that was rolled back is still good") {
    ScratchJournal journal;
    struct Stop {};
    CHECK_THROWS_AS(journal.transact(Survives::kill,
                                     [&] {
                                         CHECK_FALSE(journal.is_repeated({1, 1}));
                                         throw Stop{};
                                     }),
                    Stop);
    CHECK_FALSE(repeated(journal, {1, 1}));
}

TEST_CASE("claims and tickets of slots that did not survive are void, the others stay") {
    ScratchJournal journal;
    for (const char* body : {"a", "b", "c"})
        journal.put(message(1, body));
    journal.take(Selector::any(), 1, much_later, 10);
    journal.take(Selector::any(), 1, much_later, ~std::uint64_t{0});
    journal.take(Selector::any(), 1, much_later, 30);
    for (const std::uint64_t of : {std::uint64_t{10}, ~std::uint64_t{0}, std::uint64_t{30}})
        repeated(journal, {of, 5});

    std::size_t released = 0;
    journal.transact(Survives::kill, [&] { released = journal.release_unowned({10, 77}); });
    CHECK(released == 2);
    CHECK(journal.take_bodies() == "bc");
    CHECK(repeated(journal, {10, 5}));
    CHECK_FALSE(repeated(journal, {~std::uint64_t{0}, 5}));
    CHECK_FALSE(repeated(journal, {30, 5}));
}

}  // TEST_SUITE("ticket")
