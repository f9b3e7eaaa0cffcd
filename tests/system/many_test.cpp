// A handler that takes many messages in one call, behind a kernel queue.
#include "ipc/envelope.hpp"
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <chrono>
#include <span>
#include <string>
#include <vector>

TEST_SUITE("many") {

using namespace myq::test;

namespace {

DaemonProcess::Setup with_handler(const std::string& keys, const std::string& queue = "") {
    return {{"many", "log"},
            "retry: {attempts: 2, delay: 10ms}\n"
            "handlers: [{type: any, plugin: many" +
                keys + "}, {type: 9, plugin: log}]\n" + queue,
            {}};
}

// The messages wait when the daemon starts, so that it finds them all at once.
void start_with(const DaemonProcess& daemon, const std::vector<std::string>& bodies) {
    REQUIRE(daemon.start().exit_code == 0);
    REQUIRE(daemon.stop().exit_code == 0);
    for (const std::string& body : bodies)
        daemon.send(7, body);
    REQUIRE(daemon.start().exit_code == 0);
}

std::string enveloped(const myq::Envelope& envelope) {
    const auto encoded = myq::encode_envelope(envelope);
    return {reinterpret_cast<const char*>(encoded.data()), encoded.size()};
}

myq::Envelope with_body(std::string_view text) {
    myq::Envelope envelope;
    envelope.body = std::as_bytes(std::span(text));
    return envelope;
}

void expect_tallies(const DaemonProcess& daemon, const std::string& tallies) {
    REQUIRE(daemon.stop().exit_code == 0);
    CHECK_MESSAGE(daemon.logged("stopped: " + tallies), daemon.log());
}

}  // namespace

TEST_CASE("many: what waits in the queue comes in calls of as many as the plugin takes, in order") {
    const DaemonProcess daemon(with_handler(""));
    start_with(daemon, {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"});
    CHECK(daemon.logged("many: many: 1 2 3 4 5 6 7 8\n"));
    CHECK(daemon.logged("many: many: 9 10 11\n"));
    daemon.send(7, "12");
    CHECK(daemon.logged("many: alone: 12, attempt 1"));
    expect_tallies(daemon, "12 handled, 0 put off, 0 dead, 0 expired");
}

TEST_CASE("many: what is another handler's, or asks for more, ends a call and comes in its turn") {
    const DaemonProcess daemon(with_handler(", options: {most: 100}"));
    REQUIRE(daemon.start().exit_code == 0);
    REQUIRE(daemon.stop().exit_code == 0);
    for (const char* body : {"1", "2"})
        daemon.send(7, body);
    daemon.send(9, "for log");
    myq::Envelope later = with_body("later");
    later.delay_ms = 1;
    daemon.send(7, enveloped(later));
    myq::Envelope late = with_body("too late");
    late.expires_ms = 1;
    daemon.send(7, "3");
    daemon.send(7, enveloped(late));
    myq::Envelope named = with_body("named");
    named.id.bytes.fill(std::byte{0xab});
    daemon.send(8, enveloped(named));
    daemon.send(7, "4");
    daemon.send(7, enveloped({}).substr(0, 12));  // broken
    for (const char* body : {"5", "6"})
        daemon.send(7, body);
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(daemon.logged("many: many: 1 2\n"));
    CHECK(daemon.logged("type 9, 7 bytes: for log"));
    CHECK(daemon.logged("many: alone: 3, attempt 1"));
    CHECK(daemon.logged("many: many: named id abababababababababababababababab 4\n"));
    CHECK(daemon.logged("many: many: 5 6\n"));
    CHECK(daemon.logged("many: alone: later, attempt 1"));
    const std::string log = daemon.log();
    CHECK(log.find("many: 1 2") < log.find("for log"));
    CHECK(log.find("for log") < log.find("alone: 3"));
    CHECK(log.find("alone: 3") < log.find("many: named"));
    CHECK(log.find("many: named") < log.find("many: 5 6"));
    expect_tallies(daemon, "9 handled, 0 put off, 1 dead, 1 expired");
}

TEST_CASE("many: who waits for a reply is alone, and a call of many replies to nobody") {
    const DaemonProcess daemon(with_handler(""));
    start_with(daemon, {"tell one", "tell two"});
    CHECK(daemon.logged("many: many: tell one tell two\n"));
    CHECK(daemon.myq({"call", "jobs/7", "tell me"}).out == "tell me");
    CHECK(daemon.logged("many: alone: tell me, attempt 1"));
}

TEST_CASE("many: the one that crashes is found among the many, and only that one is dead") {
    const DaemonProcess daemon(with_handler(""));
    start_with(daemon, {"1", "2", "crash", "4", "5"});
    CHECK(daemon.logged("is dead: 2 attempts; the last one: killed by SIGSEGV in plugin many 1.0"));
    for (const char* alone : {"1", "2", "crash", "4", "5"})
        CHECK(daemon.logged("many: alone: " + std::string(alone) + ", attempt 2"));
    const std::string dead = daemon.myq({"dead", "show", "1"}).out;
    CHECK_MESSAGE(dead.find("killed by SIGSEGV in plugin many 1.0, in a call of many") !=
                      std::string::npos,
                  dead);
    expect_tallies(daemon, "4 handled, 0 put off, 1 dead, 0 expired");
}

TEST_CASE("many: a call has one timeout for all, and whoever took the time is found") {
    const DaemonProcess daemon(with_handler(", timeout: 200ms"));
    SUBCASE("too long") {
        start_with(daemon, {"1", "hang", "3"});
        CHECK(daemon.logged("is dead: 2 attempts; the last one: no answer for 200ms from plugin "
                            "many 1.0"));
        expect_tallies(daemon, "2 handled, 0 put off, 1 dead, 0 expired");
    }
    SUBCASE("with more time for all of it") {
        start_with(daemon, {"touch", "late", "late"});
        CHECK(daemon.logged("many: many: touch late late\n"));
        expect_tallies(daemon, "3 handled, 0 put off, 0 dead, 0 expired");
    }
}

TEST_CASE("many: some of a call are put off and some rejected, and the others are done") {
    const DaemonProcess daemon(with_handler(""));
    start_with(daemon, {"retry", "2", "reject", "4"});
    CHECK(daemon.logged("many: many: retry 2 reject 4\n"));
    CHECK(daemon.logged("is dead: plugin many rejects it: told to reject"));
    CHECK(daemon.logged("many: alone: retry, attempt 2"));
    CHECK(daemon.logged("is dead: 2 attempts; the last one: told to retry"));
    expect_tallies(daemon, "2 handled, 1 put off, 2 dead, 0 expired");
}

TEST_CASE("many: a stop waits for a call of many, and takes no message more") {
    const DaemonProcess daemon(with_handler(""));
    start_with(daemon, {"late 1", "late 2", "3", "4", "5", "6", "7", "8", "9"});
    REQUIRE(daemon.logged("many: late 1 late 2 3 4 5 6 7 8\n"));
    CHECK(daemon.queue().stat().messages == 1);
    expect_tallies(daemon, "8 handled, 0 put off, 0 dead, 0 expired");
    CHECK(daemon.queue().stat().messages == 1);
}

TEST_CASE("many: on a journaled queue too") {
    const DaemonProcess daemon(with_handler("", "durability: journal"));
    // While the first keep every worker, the intake puts the others into the journal.
    std::vector<std::string> bodies(4, "late");
    for (int i = 1; i <= 40; ++i)
        bodies.push_back(std::to_string(i));
    start_with(daemon, bodies);
    CHECK(daemon.logged("alone: late, attempt 1"));
    CHECK(daemon.logged(" 40"));  // with others, or alone
    CHECK(count(daemon.log(), "many: many: ") > 0);
    expect_tallies(daemon, "44 handled, 0 put off, 0 dead, 0 expired");
}

}  // TEST_SUITE("many")
