// Several processes at once, and what is left of one that is killed.
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/journal/gate.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <map>
#include <new>
#include <random>

TEST_SUITE("processes") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr int group = 3;  // messages of one transaction

// What a child has been told by COMMIT, which outlives it.
class Shared {
public:
    Shared()
        : count_(new (::mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Count(0)) {}
    ~Shared() { ::munmap(count_, sizeof(Count)); }
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    int operator++() { return ++*count_; }
    int value() const { return *count_; }

private:
    using Count = std::atomic<int>;
    Count* count_;
};

// Inserts groups of messages for ever: all of one group have its number as their body.
int insert_groups(const std::filesystem::path& directory, std::int64_t type, Shared& committed) {
    Journal journal(directory, {}, true);
    for (;;) {
        const std::string number = std::to_string(committed.value());
        journal.transact(Survives::kill, [&] {
            const std::int64_t queue = journal.queue_number("jobs");
            for (int i = 0; i < group; ++i)
                journal.insert(queue, message(type, number));
        });
        ++committed;
    }
}

}  // namespace

TEST_CASE("processes that write at once lose nothing") {
    const TempDir dir;
    constexpr int writers = 4, each = 200;
    std::vector<pid_t> children;
    for (int writer = 0; writer < writers; ++writer) {
        children.push_back(fork_child([&, writer] {
            Journal own(dir.path(), {}, true);
            for (int i = 0; i < each; ++i) {
                own.transact(Survives::kill, [&] {
                    own.insert(own.queue_number("jobs"), message(1 + writer, "x"));
                });
            }
            return 0;
        }));
    }
    for (const pid_t child : children)
        CHECK(wait_for(child) == 0);
    Journal journal(dir.path(), {}, false);
    const auto counts = journal.counts(0);
    REQUIRE(counts.size() == writers);
    for (const TypeCountsInJournal& of_type : counts)
        CHECK(of_type.counts.ready == each);
}

TEST_CASE("processes that claim at once never get the same message") {
    const TempDir dir;
    const Gate gate;
    constexpr int count = 2000, workers = 4;
    Shared claimed;
    std::vector<pid_t> children;
    for (std::uint64_t owner = 1; owner <= workers; ++owner) {
        children.push_back(fork_child([&, owner] {
            gate.pass();
            Journal own(dir.path(), {}, false);
            std::size_t taken = 1;
            while (taken > 0) {
                own.transact(Survives::kill, [&] {
                    taken = own.claim(own.queue_number("jobs"), Selector::any(), owner, 1, 7,
                                      [&](const DueMessage& due) {
                                          own.finish(due.row);
                                          ++claimed;
                                      });
                });
            }
            return 0;
        }));
    }
    Journal journal(dir.path(), {}, true);
    journal.transact(Survives::kill, [&] {
        for (int i = 0; i < count; ++i)
            journal.insert(journal.queue_number("jobs"), message(1, "x"));
    });
    gate.open(workers);
    for (const pid_t child : children)
        CHECK(wait_for(child) == 0);
    CHECK(claimed.value() == count);
    CHECK(journal.counts(0).empty());
}

TEST_CASE("a process that is killed at any moment leaves whole transactions only") {
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::minstd_rand random(seed);
    const TempDir dir;
    for (int round = 0; round < 40; ++round) {
        Shared committed;
        const std::int64_t type = round + 1;
        const pid_t child = fork_child([&] { return insert_groups(dir.path(), type, committed); });
        const int enough = static_cast<int>(random() % 20 + 1);
        while (committed.value() < enough)
            ::sched_yield();
        const auto moment =
            std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 500);
        while (std::chrono::steady_clock::now() < moment) {
        }
        REQUIRE(::kill(child, SIGKILL) == 0);
        REQUIRE(wait_for(child) == -SIGKILL);

        Journal journal(dir.path(), {}, false);
        std::map<std::string, int> groups;
        JournalFilter filter;
        filter.type = type;
        journal.list(filter, 0, [&](const JournalEntry& entry) { ++groups[text(entry.body)]; });
        // One more may be there: committed, and killed before it could say so.
        CHECK(static_cast<int>(groups.size()) >= committed.value());
        CHECK(static_cast<int>(groups.size()) <= committed.value() + 1);
        for (const auto& [number, members] : groups)
            CHECK(members == group);
        CHECK(journal.check().empty());
    }
}

TEST_CASE("processes that die among others that write leave those unharmed") {
    const TempDir dir;
    Shared survivor, victim;
    const pid_t writer = fork_child([&] { return insert_groups(dir.path(), 1, survivor); });
    for (int round = 0; round < 20; ++round) {
        const int before = victim.value(), others = survivor.value();
        const pid_t child = fork_child([&] { return insert_groups(dir.path(), 2, victim); });
        while (victim.value() < before + 3)
            ::sched_yield();
        REQUIRE(::kill(child, SIGKILL) == 0);
        REQUIRE(wait_for(child) == -SIGKILL);
        while (survivor.value() < others + 3)
            ::sched_yield();
    }
    REQUIRE(::kill(writer, SIGKILL) == 0);
    REQUIRE(wait_for(writer) == -SIGKILL);
    Journal journal(dir.path(), {}, false);
    CHECK(journal.check().empty());
    const auto counts = journal.counts(0);
    REQUIRE(counts.size() == 2);
    CHECK(counts[0].counts.ready >= static_cast<std::uint64_t>(group * survivor.value()));
    CHECK(counts[0].counts.ready % group == 0);
    CHECK(counts[1].counts.ready >= static_cast<std::uint64_t>(group * victim.value()));
    CHECK(counts[1].counts.ready % group == 0);
}

}  // TEST_SUITE("processes")
