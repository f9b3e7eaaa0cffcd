#include "tests/support/daemon_process.hpp"
#include "tests/support/ledger.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <sstream>
#include <string>

TEST_SUITE("messages") {

using namespace myq::test;

TEST_CASE("messages: each type goes to its handler, and the rest to `any`") {
    const DaemonProcess daemon({{"log", "append"},
                                "handlers:\n"
                                "  - {type: 1, name: note, plugin: log}\n"
                                "  - {type: 7, plugin: append, options: {file: /mnt/appended}}\n"
                                "  - {type: any, plugin: log}\n",
                                {}});
    std::filesystem::remove("/mnt/appended");
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "first");
    daemon.send(7, "second");
    daemon.send(8, "third");
    CHECK(daemon.logged("type 1 (note), 5 bytes: first"));
    CHECK(daemon.logged("type 8, 5 bytes: third"));
    CHECK(eventually([] { return read_file("/mnt/appended") == "second\n"; }));
    CHECK(count(daemon.log(), "second") == 0);
}

TEST_CASE("messages: empty, as long as the kernel allows, and of the highest type") {
    const DaemonProcess daemon({{"log"}, "handlers: [{type: any, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "");
    CHECK(daemon.logged("type 1, 0 bytes"));
    daemon.send(2, std::string(myq::largest_body(), 'x'));
    CHECK(daemon.logged(fmt::format("type 2, {} bytes: xxx", myq::largest_body())));
    daemon.send(std::numeric_limits<std::int64_t>::max(), "end");
    CHECK(daemon.logged("type 9223372036854775807, 3 bytes: end"));
    CHECK(daemon.workers().size() == 1);
}

TEST_CASE("messages: whatever the bytes, a log record is one line of printable ASCII") {
    const DaemonProcess daemon({{"log"}, "handlers: [{type: any, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    std::string every_byte;
    for (int byte = 0; byte < 256; ++byte)
        every_byte += static_cast<char>(byte);
    daemon.send(1, every_byte);
    daemon.send(2, "\x1b[31mred\nmyqd[1] error: forged");
    CHECK(daemon.logged("type 2, 30 bytes: \\x1b[31mred\\nmyqd[1] error: forged"));
    for (const char c : daemon.log()) {
        REQUIRE((c == '\n' || (c >= 0x20 && c <= 0x7e)));
    }
}

TEST_CASE("messages: a type that nobody handles is taken off the queue, dead and said") {
    const DaemonProcess daemon({{"log"}, "handlers: [{type: 1, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(999, "lost soul");
    daemon.send(1, "next");
    CHECK(daemon.logged("message of type 999, 9 bytes is dead: no handler takes type 999"));
    CHECK(daemon.logged("type 1, 4 bytes: next"));
    REQUIRE(daemon.stop().exit_code == 0);
    CHECK(daemon.logged("stopped: 1 handled, 0 put off, 1 dead, 0 expired"));
    CHECK(daemon.myq({"dead", "list", "--json"}).out.find("no handler takes type 999") !=
          std::string::npos);
}

TEST_CASE("messages: what a handler answers is done: later, never, or it is over") {
    DaemonProcess daemon({{"ledger"},
                          "retry: {attempts: 2, delay: 10ms}\n"
                          "handlers: [{type: any, plugin: ledger, options: {file: /mnt/ledger}}]",
                          {}});
    const Ledger ledger("/mnt/ledger", 10);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "0");
    daemon.send(1, "1:retry");
    daemon.send(1, "2:reject");
    daemon.send(1, "3:throw");
    CHECK(daemon.logged("attempt 1 of 2 failed: told to retry; the next is due in"));
    CHECK(daemon.logged("attempt 1 of 2 failed: told to throw; the next is due in"));
    CHECK(daemon.logged("is dead: 2 attempts; the last one: told to retry"));
    CHECK(daemon.logged("is dead: 2 attempts; the last one: told to throw"));
    CHECK(daemon.logged("is dead: plugin ledger rejects it: told to reject"));
    CHECK(ledger.times(0) == 1);
    CHECK(ledger.times(1) == 2);
    CHECK(ledger.times(2) == 1);
    CHECK(ledger.times(3) == 2);
    REQUIRE(daemon.stop().exit_code == 0);
    CHECK(daemon.logged("stopped: 1 handled, 2 put off, 3 dead, 0 expired"));
}

TEST_CASE("receivers: the four forms take what they say") {
    const DaemonProcess daemon({{"log"},
                                "receivers:\n"
                                "  - {types: 5, count: 1}\n"
                                "  - {types: {up_to: 3}, count: 1}\n"
                                "handlers: [{type: any, plugin: log}]\n",
                                {}});
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(daemon.workers().size() == 2);
    daemon.send(4, "nobody takes four");
    daemon.send(5, "five");
    daemon.send(2, "two");
    CHECK(daemon.logged("type 5, 4 bytes: five"));
    CHECK(daemon.logged("type 2, 3 bytes: two"));
    CHECK(daemon.queue().stat().messages == 1);

    SUBCASE("up_to takes the lowest type first: priorities") {
        REQUIRE(daemon.stop().exit_code == 0);
        for (const int type : {3, 1, 2})
            daemon.send(type, fmt::format("prio{}", type));
        REQUIRE(daemon.start().exit_code == 0);
        REQUIRE(daemon.logged("prio3"));
        const std::string log = daemon.log();
        CHECK(log.find("prio1") < log.find("prio2"));
        CHECK(log.find("prio2") < log.find("prio3"));
    }
}

TEST_CASE("receivers: except takes everything else") {
    const DaemonProcess daemon(
        {{"log"}, "receivers: [{types: {except: 4}}]\nhandlers: [{type: any, plugin: log}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(4, "not this");
    daemon.send(9, "but this");
    CHECK(daemon.logged("type 9, 8 bytes: but this"));
    CHECK(daemon.queue().stat().messages == 1);
}

TEST_CASE("a worker makes one system call a message") {
    constexpr std::size_t messages = 3000;
    const DaemonProcess daemon(
        {{"ledger"}, "handlers: [{type: any, plugin: ledger, options: {file: /mnt/ledger}}]", {}});
    const Ledger ledger("/mnt/ledger", messages);
    REQUIRE(daemon.start().exit_code == 0);
    REQUIRE(daemon.stop().exit_code == 0);
    for (std::size_t i = 0; i < messages; ++i)
        daemon.send(1, std::to_string(i));
    const auto trace = daemon.dir() / "trace";
    REQUIRE(
        run({"strace", "-D", "-f", "-qq", "-o", trace, daemon.binary(), "-c", daemon.config_file()})
            .exit_code == 0);
    REQUIRE(eventually([&] { return ledger.missing() == 0; }));
    REQUIRE(daemon.stop().exit_code == 0);
    // Between the first message and the last the worker makes msgrcv and nothing else, but for some
    // twenty calls ten times a second, with which it looks what handlers have done to the process.
    // Calls of other processes cut its lines in two.
    const std::string text = read_file(trace);
    const auto first = text.find("msgrcv(");
    const auto last = text.rfind("msgrcv(");
    REQUIRE(first != std::string::npos);
    const auto line = text.rfind('\n', first) + 1;
    const std::string worker = text.substr(line, text.find(' ', line) - line) + " ";
    std::size_t received = 0;
    std::string others;
    std::istringstream calls(text.substr(line, last - line));
    for (std::string call; std::getline(calls, call);) {
        if (!call.starts_with(worker) || call.find(" resumed>") != std::string::npos) continue;
        if (call.find("msgrcv(") != std::string::npos) {
            ++received;
        } else {
            others += call + "\n";
        }
    }
    CHECK(received >= messages);
    const int looks = count(others, "/proc/self/fd");
    CHECK(looks < static_cast<int>(messages) / 10);
    CHECK_MESSAGE(count(others, "\n") <= 20 * (looks + 1), others);
}

TEST_CASE(
    "messages: a handler with a format gets JSON, and a body that is something else is dead") {
    const DaemonProcess daemon({{"log"},
                                "handlers:\n"
                                "  - {type: 1, plugin: log, format: php}\n"
                                "  - {type: 2, plugin: log, format: json}\n"
                                "  - {type: any, plugin: log}\n",
                                {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, R"(a:2:{s:4:"size";i:12;i:0;d:0.5;})");
    CHECK(daemon.logged(R"(type 1, 19 bytes: {"size":12,"0":0.5})"));
    daemon.send(1, R"(s:5:"plain";)");
    CHECK(daemon.logged("type 1, 5 bytes: plain"));
    daemon.send(2, "[1, 2]");
    CHECK(daemon.logged("type 2, 6 bytes: [1, 2]"));
    daemon.send(3, "a:1:{");
    CHECK(daemon.logged("type 3, 5 bytes: a:1:{"));
    daemon.send(1, "a:1:{");
    CHECK(daemon.logged("its body is not what PHP's serialize() writes: byte 5: "));
    daemon.send(2, "{,}");
    CHECK(daemon.logged("its body is not JSON"));
    const Run dead = daemon.myq({"dead", "list"});
    CHECK_MESSAGE(count(dead.out, "its body is not") == 2, dead.out);
    CHECK(daemon.myq({"dead", "retry", "--all"}).exit_code == 0);  // as it came, to be dead again
    CHECK(daemon.logged("its body is not JSON", 2));
}

}  // TEST_SUITE("messages")
