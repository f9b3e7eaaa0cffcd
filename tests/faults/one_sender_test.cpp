// F46: one sender with a lot. Everybody else goes on.
#include "tests/faults/processes.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/ledger.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("one_sender") {

using namespace myq::test;

TEST_CASE("F46: what one sender puts off makes nobody wait, and a word removes it") {
    const DaemonProcess daemon(
        {{"ledger"},
         "receivers: 1\nhandlers: [{type: any, plugin: ledger, options: {file: /mnt/ledger}}]",
         "stop_timeout: 1s",
         "max_size: 8MiB, min_free: 0"});
    const Ledger ledger("/mnt/ledger", 10);
    const auto is_handled = [&](std::size_t number) {
        daemon.send(1, std::to_string(number));
        return eventually([&] { return ledger.times(number) == 1; });
    };
    const auto put_off = [&](const char* how) {
        return daemon.myq({"send", "jobs/1", "--file", "/mnt/body", "--delay", "1d", how});
    };
    write_file("/mnt/body", std::string(1'000'000, '0'));
    REQUIRE(daemon.start().exit_code == 0);
    for (int i = 0; i < 12; ++i)
        REQUIRE(put_off("--nowait").exit_code == 0);
    REQUIRE(is_handled(1));
    const Run refused = put_off("--confirm");
    CHECK(refused.exit_code == 75);
    CHECK(daemon.logged("is refused: "));
    CHECK(daemon.myq({"status"}).out.find("refused ") != std::string::npos);
    // What fails finds room all the same.
    daemon.send(1, "2:retry");
    CHECK(daemon.logged("attempt 1 of 5 failed"));
    CHECK(daemon.stop().exit_code == 0);
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(is_handled(3));

    CHECK(daemon.myq({"drop", "--queue", "jobs", "--type", "1"}).exit_code == 0);
    CHECK(put_off("--confirm").exit_code == 0);
    CHECK(is_handled(4));
    CHECK(daemon.stop().exit_code == 0);
}

}  // TEST_SUITE("one_sender")
