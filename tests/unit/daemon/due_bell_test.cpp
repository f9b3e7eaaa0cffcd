#include "daemon/due_bell.hpp"
#include "tests/unit/daemon/child.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

TEST_SUITE("due_bell") {

using namespace myq;
using namespace myq::test;

namespace {

bool rings(int fd) {
    pollfd readable{fd, POLLIN, 0};
    return ::poll(&readable, 1, 0) == 1;
}

}  // namespace

TEST_CASE("the earliest time that was announced stays until somebody takes it") {
    const DueBell bell(DueBell::never);
    CHECK(bell.next() == DueBell::never);
    bell.announce(2'000);
    CHECK(bell.next() == 2'000);
    bell.announce(3'000);
    CHECK(bell.next() == 2'000);
    bell.announce(1'000);
    CHECK(bell.next() == 1'000);
    bell.announce(DueBell::at_once);
    CHECK(bell.next() == DueBell::at_once);
    CHECK(bell.take() == DueBell::at_once);
    CHECK(bell.next() == DueBell::never);
    CHECK(bell.take() == DueBell::never);
    bell.announce(5'000);
    CHECK(bell.take() == 5'000);
}

TEST_CASE("a bell begins with what is due already, and does not ring for that") {
    const DueBell bell(DueBell::at_once);
    CHECK(bell.next() == DueBell::at_once);
    CHECK(!rings(bell.supervisor_fd()));
    CHECK(bell.rings() == 0);
}

TEST_CASE("an announcement rings for the supervisor until it is read, and counts for workers") {
    const DueBell bell(DueBell::never);
    bell.announce(7);
    bell.announce(8);  // also one that changes nothing: whoever waits looks for himself
    CHECK(rings(bell.supervisor_fd()));
    CHECK(bell.rings() == 2);
    std::uint64_t count = 0;
    CHECK(::read(bell.supervisor_fd(), &count, sizeof count) == sizeof count);
    CHECK(!rings(bell.supervisor_fd()));
    CHECK(bell.next() == 7);  // reading takes nothing away
    bell.announce(9);
    CHECK(rings(bell.supervisor_fd()));
}

TEST_CASE("a wait ends with the next ring, with its patience, and at once if it has rung since") {
    const DueBell bell(DueBell::never);
    const std::uint32_t seen = bell.rings();
    bell.wait(seen, std::chrono::milliseconds{1});
    bell.announce(7);
    bell.wait(seen, std::nullopt);
    const pid_t ringer = myq::test::fork_child([&] {
        bell.announce(8);
        return 0;
    });
    while (bell.rings() == seen + 1)
        bell.wait(seen + 1, std::nullopt);
    CHECK(myq::test::wait_for(ringer) == 0);
}

TEST_CASE("what a process announces is known to all, also when it is killed right behind it") {
    const DueBell bell(DueBell::never);
    REQUIRE(in_child([&] {
                bell.announce(42);
                raise(SIGKILL);
                return 0;
            }) == -SIGKILL);
    CHECK(bell.next() == 42);
    CHECK(rings(bell.supervisor_fd()));
    CHECK(in_child([&] { return bell.take() == 42 ? 0 : 1; }) == 0);
    CHECK(bell.next() == DueBell::never);
}

TEST_CASE("of many processes that announce at once the earliest time stays") {
    const DueBell bell(DueBell::never);
    std::vector<pid_t> children;
    for (std::int64_t child = 0; child < 4; ++child) {
        children.push_back(myq::test::fork_child([&bell, child] {
            for (std::int64_t i = 20'000; i > 0; --i)
                bell.announce(10 * i + child);
            return 0;
        }));
    }
    for (const pid_t child : children)
        CHECK(myq::test::wait_for(child) == 0);
    CHECK(bell.next() == 10);
}

}  // TEST_SUITE("due_bell")
