#include "tests/support/daemon_process.hpp"
#include "tests/support/ledger.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <string>

TEST_SUITE("journal") {

using namespace myq::test;

namespace {

DaemonProcess::Setup ledger_setup(const std::string& more, const std::string& journal = {}) {
    return {{"ledger"},
            more + "\nhandlers: [{type: any, plugin: ledger, options: {file: /mnt/ledger}}]",
            {},
            journal};
}

nlohmann::json status(const DaemonProcess& daemon) {
    return nlohmann::json::parse(daemon.myq({"status", "--json"}).out);
}

// A number of the only queue's account, over all its types.
std::uint64_t sum(const nlohmann::json& status, const std::string& field) {
    std::uint64_t total = 0;
    for (const auto& type : status.at("queues").at(0).at("types"))
        total += type.at(field).get<std::uint64_t>();
    return total;
}

}  // namespace

TEST_CASE("journal: a confirmed message is handled, on a journaled queue and on any other") {
    for (const char* durability : {"journal", "memory"}) {
        CAPTURE(std::string(durability));
        const DaemonProcess daemon(ledger_setup(fmt::format("durability: {}", durability)));
        const Ledger ledger("/mnt/ledger", 10);
        REQUIRE(daemon.start().exit_code == 0);
        const Run sent = daemon.myq({"send", "jobs/1", "--confirm", "--timeout", "20s", "3"});
        CHECK_MESSAGE(sent.exit_code == 0, sent.err);
        CHECK(eventually([&] { return ledger.times(3) == 1; }));
        daemon.send(1, "4");
        CHECK(eventually([&] { return ledger.times(4) == 1; }));
        CHECK(daemon.stop().exit_code == 0);
        CHECK(ledger.times(3) == 1);
    }
}

TEST_CASE(
    "journal: a delayed message comes in its time, also when the daemon was killed meanwhile") {
    const DaemonProcess daemon(ledger_setup("receivers: 1"));
    const Ledger ledger("/mnt/ledger", 10);
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(daemon.myq({"send", "jobs/1", "--delay", "1s", "1"}).exit_code == 0);
    CHECK(daemon.myq({"send", "jobs/1", "--delay", "1h", "2"}).exit_code == 0);
    REQUIRE(eventually([&] {
        const auto type = status(daemon).at("queues").at(0).at("types").at(0);
        return type.at("waiting").at("delayed").get<int>() == 2;
    }));
    daemon.kill_all();
    daemon.wait_until_gone();
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(ledger.times(1) == 0);
    CHECK(eventually([&] { return ledger.times(1) == 1; }));
    CHECK(ledger.times(2) == 0);
}

TEST_CASE("journal: what a unique key guards is taken once while it is live") {
    const DaemonProcess daemon(ledger_setup("receivers: 1"));
    const Ledger ledger("/mnt/ledger", 10);
    REQUIRE(daemon.start().exit_code == 0);
    const auto send = [&](const std::string& delay) {
        return daemon.myq({"send", "jobs/1", "--unique", "nightly", "--delay", delay, "5"});
    };
    CHECK(send("1h").exit_code == 0);
    const Run second = send("1h");
    CHECK(second.exit_code == 75);
    CHECK(second.err.find("nightly") != std::string::npos);
}

TEST_CASE("journal: a message that is worthless before it is handled is expired, and counted so") {
    const DaemonProcess daemon(ledger_setup("receivers: 1"));
    const Ledger ledger("/mnt/ledger", 10);
    CHECK(daemon.start().exit_code == 0);
    REQUIRE(daemon.stop().exit_code == 0);
    CHECK(daemon.myq({"send", "jobs/1", "--ttl", "10ms", "1"}).exit_code == 0);
    run({"sleep", "0.05"});
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(eventually([&] { return sum(status(daemon), "expired") == 1; }));
    CHECK(ledger.times(1) == 0);
}

TEST_CASE("journal: dead messages are shown, tried again, and dropped") {
    const DaemonProcess daemon(ledger_setup("receivers: 1\nretry: {attempts: 1}"));
    const Ledger ledger("/mnt/ledger", 10);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(7, "1:reject");
    daemon.send(8, "2:crash");
    REQUIRE(daemon.logged("is dead", 2));
    CHECK(count(daemon.myq({"dead", "list", "--json"}).out, "\n") == 2);
    CHECK(daemon.myq({"dead", "retry", "--type", "7"}).exit_code == 0);
    CHECK(eventually([&] { return ledger.times(1) == 2; }));
    REQUIRE(daemon.logged("is dead", 3));
    CHECK(daemon.myq({"dead", "drop", "--all"}).exit_code == 0);
    CHECK(daemon.myq({"dead", "list", "--json"}).out.empty());
    const auto now = status(daemon);
    CHECK(sum(now, "dropped") == 2);
    CHECK(sum(now, "dead") == 0);
}

TEST_CASE("journal: a queue that overflows is relieved, and nothing is lost") {
    constexpr std::size_t messages = 2000;
    const DaemonProcess daemon(
        ledger_setup("receivers: 1\ncapacity: 8KiB\noverflow: journal\nretry: {attempts: 9}"));
    const Ledger ledger("/mnt/ledger", messages + 1);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, fmt::format("{}:sleep=1500", messages));  // the only receiver is busy
    for (std::size_t i = 0; i < messages; ++i)
        daemon.send(1, std::to_string(i));
    CHECK(eventually([&] { return ledger.missing() == 0; }));
    CHECK(ledger.repeated() == 0);
}

TEST_CASE("journal: a stop drains, closes the queue, and the next start takes it up and opens it") {
    constexpr std::size_t messages = 500;
    const DaemonProcess daemon(ledger_setup("receivers: 1\ndrain: true"));
    const Ledger ledger("/mnt/ledger", messages + 1);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, fmt::format("{}:sleep=300", messages));
    for (std::size_t i = 0; i < messages; ++i)
        daemon.send(1, std::to_string(i));
    REQUIRE(daemon.stop().exit_code == 0);
    const auto stat = daemon.queue().stat_any();
    CHECK(stat.messages == 0);
    CHECK(stat.mode == 0600);
    run({"rm", "-rf", daemon.dir() / "run/slots", "/dev/shm"});  // as after a boot
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(daemon.queue().stat_any().mode == 0620);
    CHECK(eventually([&] { return ledger.missing() == 0; }));
    CHECK(ledger.repeated() == 0);
}

TEST_CASE("journal: every message is in one place of the account, whatever became of it") {
    const DaemonProcess daemon(ledger_setup("receivers: 2\nretry: {attempts: 2, delay: 10ms}"));
    const Ledger ledger("/mnt/ledger", 1000);
    REQUIRE(daemon.start().exit_code == 0);
    const char* commands[] = {"", ":reject", ":retry", ":crash", ":exit"};
    for (int i = 0; i < 100; ++i)
        daemon.send(1 + i % 3, fmt::format("{}{}", i, commands[i % 20 < 5 ? i % 20 : 0]));
    CHECK(daemon.myq({"send", "jobs/1", "--delay", "1h", "200"}).exit_code == 0);
    CHECK(eventually([&] {
        const auto now = status(daemon);
        const auto queue = now.at("queues").at(0);
        std::uint64_t waiting = queue.at("kernel").at("messages").get<std::uint64_t>();
        for (const auto& type : queue.at("types")) {
            for (const auto& [place, count] : type.at("waiting").items())
                waiting += count.get<std::uint64_t>();
        }
        return sum(now, "handled") == 80 && sum(now, "dead") == 20 && waiting == 1;
    }));
}

}  // TEST_SUITE("journal")
