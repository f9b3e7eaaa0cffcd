// F33: clocks that jump.
#include "tests/faults/expect.hpp"
#include "tests/faults/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>

#include <cstdint>

TEST_SUITE("clock") {

using namespace myq::test;

namespace {

constexpr std::int64_t year = 365L * 24 * 3'600;
constexpr const char* offset_file = "/mnt/clock-offset";

// The wall clock of the daemon's processes is ahead by so many seconds from now on.
void set_clock(std::int64_t seconds) {
    const int fd = ::open(offset_file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(::pwrite(fd, &seconds, sizeof seconds, 0) == sizeof seconds);
    ::close(fd);
}

Run start_with_clock(const DaemonProcess& daemon, const std::vector<std::string>& before = {}) {
    std::vector<std::string> command = before;
    command.insert(command.end(),
                   {"env", "LD_PRELOAD=" SHIM_CLOCK, fmt::format("CLOCK_OFFSET={}", offset_file),
                    DaemonProcess::binary(), "-c", daemon.config_file()});
    return run(command);
}

std::string under_asan() {
    return "a sanitizer wants to be the first library";
}

}  // namespace

TEST_CASE("F33: the wall clock jumps a year, forth and back: no handler's time runs out, and what "
          "failed is tried again") {
    if (has_sanitizer) skip(under_asan());
    Stage stage({.messages = 1'000, .receivers = 2, .handler = "timeout: 20s"});
    set_clock(0);
    REQUIRE(start_with_clock(stage.daemon).exit_code == 0);
    for (const std::int64_t jump : {year, -year, std::int64_t{0}, -year, year}) {
        CAPTURE(jump);
        const std::size_t before = stage.checker.sent();
        stage.checker.send(stage.daemon.queue(), 1, "sleep=100");
        REQUIRE(eventually([&] { return stage.checker.times(before) == 1; }));
        set_clock(jump);
        stage.checker.send(stage.daemon.queue(), 1, "flaky", Checker::Fate::again);
        stage.checker.send(stage.daemon.queue(), 1);
        CHECK(eventually([&] { return stage.checker.times(before + 1) == 2; }));
        CHECK(eventually([&] { return stage.checker.times(before + 2) == 1; }));
    }
    CHECK(count(stage.daemon.log(), "no answer for") == 0);
    expect_promises_kept(stage);
}

TEST_CASE("F33: a handler's time is its own also when the wall clock jumps while it hangs") {
    if (has_sanitizer) skip(under_asan());
    for (const std::int64_t jump : {year, -year}) {
        CAPTURE(jump);
        Stage stage({.messages = 10, .attempts = 1, .handler = "timeout: 300ms"});
        set_clock(0);
        REQUIRE(start_with_clock(stage.daemon).exit_code == 0);
        stage.checker.send(stage.daemon.queue(), 1, "hang", Checker::Fate::again);
        REQUIRE(eventually([&] { return stage.checker.handled() == 1; }));
        set_clock(jump);
        CHECK(stage.daemon.logged("no answer for 300ms"));
        expect_promises_kept(stage);
    }
}

TEST_CASE("F33: monotonic clocks that began long ago, or just now, as after a resume") {
    if (run({"unshare", "--time", "--monotonic", "1", "true"}).exit_code != 0)
        skip("no time namespace can be made here");
    Stage stage({.messages = 100, .attempts = 1, .handler = "timeout: 300ms"});
    for (const std::int64_t offset : {10 * year, std::int64_t{0}, 10 * year}) {
        CAPTURE(offset);
        const std::size_t before = stage.checker.sent();
        // --fork: the first child is the first that lives in the other time.
        REQUIRE(
            run({"unshare", "--time", "--fork", "--monotonic", std::to_string(offset), "--boottime",
                 std::to_string(offset), DaemonProcess::binary(), "-c", stage.daemon.config_file()})
                .exit_code == 0);
        stage.checker.send(stage.daemon.queue(), 1, "sleep=50");
        stage.checker.send(stage.daemon.queue(), 1, "hang", Checker::Fate::again);
        stage.checker.send(stage.daemon.queue(), 1);
        CHECK(eventually([&] { return stage.checker.times(before + 2) == 1; }));
        CHECK(stage.daemon.logged("no answer for 300ms", static_cast<int>(before) / 3 + 1));
        // A deadline of another time is left in the slot: it must not count in this one.
        stage.checker.allow_repeats(static_cast<std::uint64_t>(kill_every_process()));
    }
    expect_promises_kept(stage);
}

}  // TEST_SUITE("clock")
