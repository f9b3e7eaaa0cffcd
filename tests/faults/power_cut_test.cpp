// The power is cut: F25.
#include "tests/faults/disk_errors.hpp"
#include "tests/faults/expect.hpp"
#include "tests/faults/power_cut.hpp"
#include "tests/faults/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>

#include <optional>
#include <string>
#include <vector>

TEST_SUITE("power_cut") {

using namespace myq;
using namespace myq::test;

namespace {

// What it has mapped; nothing, once it is dead.
std::string memory_of(pid_t process) {
    return read_file(fmt::format("/proc/{}/maps", process));
}

pid_t intake_of(const DaemonProcess& daemon) {
    for (const pid_t worker : daemon.workers()) {
        if (memory_of(worker).find("/jobs+") != std::string::npos) return worker;
    }
    return 0;
}

}  // namespace

TEST_CASE(
    "F25: a message that was confirmed before a power cut is handled, waiting or dead after it") {
    const int rounds = is_long_form() ? 60 : 6;
    PowerCuts machine;
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        for (const std::string& broken : machine.cut())
            FAIL_CHECK(broken);
    }
    MESSAGE(machine.confirmed(), " messages confirmed before ", rounds, " power cuts");
    expect_promises_kept(machine.stage);
}

// SQLite finds a whole transaction in the log that nobody has flushed, since everybody was killed
// while one of them waited for that; and whoever looks into the journal meanwhile keeps the next
// daemon from being the one that would flush it.
TEST_CASE(
    "F25: what was written and not flushed when everything was killed is flushed before it is "
    "confirmed") {
    PowerCuts machine;
    const DaemonProcess& daemon = machine.stage.daemon;
    REQUIRE(daemon.start().exit_code == 0);
    const pid_t intake = intake_of(daemon);
    REQUIRE(intake != 0);
    // Nobody is to take its place.
    daemon.signal(SIGSTOP);
    std::optional<DiskErrors> killed(std::in_place, std::vector{intake}, "fdatasync",
                                     "signal=SIGKILL");
    ConfirmedSenders load(daemon.queue(), machine.stage.checker, {1, 1, [](std::size_t) {
                                                                      return Wish{{}, 3'600'000};
                                                                  }});
    REQUIRE(eventually([&] { return memory_of(intake).empty(); }));
    kill_every_process();
    killed.reset();
    auto reader = machine.open_journal();
    CHECK(reader->counts(0).size() == 1);  // it is there for whoever reads
    REQUIRE(daemon.start().exit_code == 0);
    REQUIRE(eventually([&] { return load.answered(ConfirmStatus::accepted) == 1; }));
    reader.reset();
    for (const std::string& broken : machine.cut(load))
        FAIL_CHECK(broken);
}

}  // TEST_SUITE("power_cut")
