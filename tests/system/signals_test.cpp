#include "tests/support/daemon_process.hpp"
#include "tests/support/ledger.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>

#include <fstream>

TEST_SUITE("signals") {

using namespace myq::test;

namespace {

const DaemonProcess::Setup ledger_setup{
    {"ledger"},
    "receivers: 3\nhandlers: [{type: any, plugin: ledger, options: {file: /mnt/ledger}}]",
    {}};

}  // namespace

TEST_CASE(
    "signals: SIGTERM in the middle of work, again and again: it always stops, and loses nothing") {
    constexpr std::size_t rounds = 40;
    constexpr std::size_t each = 200;
    const DaemonProcess daemon(ledger_setup);
    const Ledger ledger("/mnt/ledger", rounds * each);
    for (std::size_t round = 0; round < rounds; ++round) {
        REQUIRE(daemon.start().exit_code == 0);
        for (std::size_t i = 0; i < each; ++i)
            daemon.send(1, std::to_string(round * each + i));
        for (int storm = 0; storm < 5; ++storm)
            daemon.signal(SIGTERM);
        daemon.wait_until_gone();
    }
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(eventually([&] { return ledger.missing() == 0; }));
    CHECK(ledger.repeated() == 0);
    CHECK(count(daemon.log(), "killed") == 0);
}

TEST_CASE("signals: a storm of SIGHUP and SIGUSR1 under load ends with one set of workers, and all "
          "handled") {
    constexpr std::size_t messages = 20'000;
    const DaemonProcess daemon(ledger_setup);
    const Ledger ledger("/mnt/ledger", messages);
    REQUIRE(daemon.start().exit_code == 0);
    for (std::size_t i = 0; i < messages; ++i) {
        daemon.send(1, std::to_string(i));
        if (i % 100 == 0) daemon.signal(SIGUSR1);
        if (i % 500 == 0) daemon.signal(SIGHUP);
    }
    CHECK(eventually([&] { return ledger.missing() == 0; }));
    CHECK(ledger.repeated() == 0);
    CHECK(eventually([&] { return daemon.workers().size() == 3; }));
    CHECK(daemon.logged("reloaded: 3 workers"));
    CHECK(daemon.stop().exit_code == 0);
}

TEST_CASE("signals: SIGHUP and SIGTERM together stop it") {
    const DaemonProcess daemon(ledger_setup);
    const Ledger ledger("/mnt/ledger", 1);
    for (int round = 0; round < 10; ++round) {
        REQUIRE(daemon.start().exit_code == 0);
        daemon.signal(SIGHUP);
        daemon.signal(SIGTERM);
        daemon.wait_until_gone();
        CHECK(daemon.status().exit_code == 3);
    }
}

TEST_CASE("signals: SIGUSR1 after a rotation: every process writes to the new file, and no line is "
          "lost") {
    const DaemonProcess daemon({{"log"}, "receivers: 2\nhandlers: [{type: any, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    for (int rotation = 0; rotation < 20; ++rotation) {
        for (int i = 0; i < 20; ++i)
            daemon.send(1, fmt::format("line {}-{};", rotation, i));
        const auto old = fmt::format("{}.{}", daemon.log_file().string(), rotation);
        std::filesystem::rename(daemon.log_file(), old);
        std::ofstream(daemon.log_file());  // as logrotate's `create` does
        REQUIRE(run({"chown", "myq", daemon.log_file()}).exit_code == 0);
        daemon.signal(SIGUSR1);
    }
    auto all = [&] {
        std::string text = daemon.log();
        for (int rotation = 0; rotation < 20; ++rotation) {
            text += read_file(fmt::format("{}.{}", daemon.log_file().string(), rotation));
        }
        return text;
    };
    CHECK(eventually([&] { return count(all(), "line ") == 400; }));
    // Which worker has seen the signal yet nobody can tell, so it is asked until both have.
    CHECK(eventually([&] {
        daemon.send(1, "the end");
        return count(daemon.log(), "the end") >= 10;
    }));
}

TEST_CASE("signals: a full log disk stops nothing") {
    const DaemonProcess daemon(ledger_setup);
    REQUIRE(run({"mount", "-t", "tmpfs", "-o", "X-mount.mkdir,size=16k", "tmpfs", "/mnt/full"})
                .exit_code == 0);
    REQUIRE(
        run({"sed", "-i", "s,file: [^,}]*myqd.log,file: /mnt/full/myqd.log,", daemon.config_file()})
            .exit_code == 0);
    const Ledger ledger("/mnt/ledger", 2000);
    REQUIRE(daemon.start().exit_code == 0);
    for (int i = 0; i < 2000; ++i)
        daemon.send(1, fmt::format("{}{}", i, i % 2 == 0 ? ":reject" : ""));
    CHECK(eventually([&] { return ledger.missing() == 0; }));
    CHECK(ledger.repeated() == 0);
    CHECK(daemon.workers().size() == 3);
    CHECK(daemon.stop().exit_code == 0);
}

}  // TEST_SUITE("signals")
