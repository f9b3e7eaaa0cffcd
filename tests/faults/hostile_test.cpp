// F44: whatever the bytes, in bodies, in envelopes and in what handlers say of them: one line a
// record, printable ASCII, and the message is handled or dead with its reason.
#include "ipc/envelope.hpp"
#include "tests/faults/expect.hpp"
#include "tests/faults/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <random>
#include <sstream>

TEST_SUITE("hostile") {

using namespace myq::test;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

void check_is_printable(std::string_view text) {
    for (const char c : text)
        REQUIRE((c == '\n' || (c >= 0x20 && c <= 0x7e)));
}

std::vector<std::string> nasty_texts() {
    std::string every_byte;
    for (int byte = 0; byte < 256; ++byte)
        every_byte += static_cast<char>(byte);
    return {"\x1b[2J\x1b]0;owned\x07",    "two\nlines\r\nmyqd[1] error: forged",
            std::string("nul\0nul", 7),   "\xff\xfe\xc0\x80 not UTF-8",
            "\xe2\x80\xae right to left", every_byte,
            std::string(8'000, '\n'),     std::string(8'000, '\x1b'),
            "%s%n%x {} {0} {:>1000000}",  "; rm -rf / #$(reboot)`reboot`"};
}

std::vector<std::byte> enveloped(std::string_view body, std::string_view key) {
    myq::Envelope envelope;
    envelope.id = myq::MessageId::random();
    envelope.unique_key = key;
    envelope.body = bytes_of(body);
    return myq::encode_envelope(envelope);
}

std::string first_dead(const DaemonProcess& daemon) {
    const std::string list = daemon.myq({"dead", "list", "--json"}).out;
    return nlohmann::json::parse(list.substr(0, list.find('\n'))).at("number").dump();
}

}  // namespace

TEST_CASE("F44: hostile bodies and keys: the log, the terminal and the JSON stay what they are") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        const DaemonProcess daemon(
            {{"log", "exec"},
             fmt::format("durability: {}\nretry: {{attempts: 1}}\nhandlers:\n"
                         "  - {{type: 1, plugin: log}}\n"
                         "  - {{type: 2, plugin: exec, options: {{command: [/bin/sh, -c, "
                         "'cat >&2; exit 1']}}}}\n",
                         durability),
             {}});
        REQUIRE(daemon.start().exit_code == 0);
        int sent = 0;
        for (const std::string& text : nasty_texts()) {
            daemon.send(1, text);  // the log plugin prints it
            daemon.send(2, text);  // exec gives it to the log, and it dies
            daemon.send(3, text);  // nobody handles it
            const auto wished = enveloped(text.substr(0, 1'000), text.substr(0, 255));
            REQUIRE(daemon.queue().send(3, wished) == myq::SendStatus::sent);
            sent += 3;
        }
        CHECK(eventually([&] {
            return count(daemon.myq({"dead", "list", "--all", "--json"}).out, "\n") == sent;
        }));
        CHECK(eventually([&] { return daemon.queue().stat_any().messages == 0; }));
        check_is_printable(daemon.log());
        std::istringstream log(daemon.log());
        for (std::string line; std::getline(log, line);)
            CHECK_MESSAGE(line.find("myqd[") != std::string::npos, line);
        for (const char* verb : {"list", "show"}) {
            std::vector<std::string> command{"dead", verb};
            if (std::string_view(verb) == "list")
                command.emplace_back("--all");
            else
                command.push_back(first_dead(daemon));
            const Run shown = daemon.myq(command);
            CHECK_MESSAGE(shown.exit_code == 0, shown.err);
            check_is_printable(shown.out);
        }
        std::istringstream dead(daemon.myq({"dead", "list", "--all", "--json"}).out);
        for (std::string line; std::getline(dead, line);)
            CHECK_NOTHROW(nlohmann::json::parse(line));
    }
}

TEST_CASE("F44: a message of a megabyte is one line of the log") {
    write_file("/proc/sys/kernel/msgmnb", "4194304");
    write_file("/proc/sys/kernel/msgmax", "1048576");
    const DaemonProcess daemon(
        {{"log"}, "capacity: 4MiB\nhandlers: [{type: any, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    const auto before = count(daemon.log(), "\n");
    daemon.send(1, std::string(1'000'000, '\n'));
    CHECK(daemon.logged("type 1, 1000000 bytes"));
    CHECK(count(daemon.log(), "\n") - before <= 5);
    check_is_printable(daemon.log());
}

TEST_CASE("F44: envelopes with any byte of them changed, or cut anywhere, are dead or handled, and "
          "nothing else happens") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        Stage stage({.messages = 10'000, .durability = durability, .receivers = 1});
        stage.checker.forget_the_account();
        REQUIRE(stage.daemon.start().exit_code == 0);
        const auto workers = stage.daemon.workers();
        const myq::MessageQueue queue = stage.daemon.queue();
        const std::vector<std::byte> good = enveloped("no id", "a key");
        std::mt19937 random(seed());
        std::size_t sent = 0;
        for (std::size_t at = 0; at < good.size(); ++at) {
            std::vector<std::byte> changed = good;
            changed[at] ^= static_cast<std::byte>(1 + random() % 255);
            REQUIRE(queue.send(1, changed) == myq::SendStatus::sent);
            REQUIRE(queue.send(1, std::span(good).first(at)) == myq::SendStatus::sent);
            sent += 2;
        }
        const auto dead = [&] {
            return static_cast<std::size_t>(
                count(stage.daemon.myq({"dead", "list", "--all", "--json"}).out, "\n"));
        };
        // Each is: cut in its magic it is raw, and the ledger rejects it.
        CHECK(eventually([&] { return dead() == sent; }));
        CHECK(stage.daemon.workers() == workers);
        CHECK(stage.daemon.myq({"dead", "drop", "--all"}).exit_code == 0);
        expect_promises_kept(stage);
    }
}

}  // TEST_SUITE("hostile")
