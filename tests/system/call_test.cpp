// myq call: the whole way, from a caller to a handler and back.
#include "ipc/shared_memory.hpp"
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string>
#include <thread>
#include <vector>

TEST_SUITE("call") {

using namespace myq::test;
using nlohmann::json;

namespace {

DaemonProcess::Setup answering(const std::string& more = "retry: {attempts: 3, delay: 10ms}") {
    return {{"answers"}, more + "\nhandlers: [{type: 7, name: work, plugin: answers}]", {}};
}

Run call(const DaemonProcess& daemon, const std::string& body,
         const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"call", "jobs/work", body, "--timeout", "60s"};
    words.insert(words.end(), more.begin(), more.end());
    return daemon.myq(words);
}

void check(const Run& run, int exit_code, const std::string& out, const std::string& err) {
    CHECK(run.exit_code == exit_code);
    CHECK(run.out == out);
    CHECK(run.err == err);
}

std::vector<json> lines(const std::string& text) {
    std::vector<json> all;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        all.push_back(json::parse(text.substr(at, end - at)));
        at = end + 1;
    }
    return all;
}

// Its own, and those that nobody cleared away.
std::size_t queues() {
    return myq::MessageQueue::list().size();
}

}  // namespace

TEST_CASE("call: what the handler replies is what the caller prints") {
    const DaemonProcess daemon(answering());
    REQUIRE(daemon.start().exit_code == 0);
    check(call(daemon, "echo hello"), 0, "hello", "");
    check(call(daemon, "echo"), 0, "", "");
    check(call(daemon, "twice ab"), 0, "abab", "");
    check(call(daemon, "asked"), 0, "yes", "");
    daemon.send(7, "asked");
    CHECK(daemon.logged("answers: not asked"));
    CHECK(queues() == 1);
    const json reply = json::parse(call(daemon, "echo hello", {"--json"}).out);
    CHECK(reply["status"] == "done");
    CHECK(reply["body"] == "hello");
    CHECK(reply["id"].get<std::string>().size() == 32);
}

TEST_CASE("call: a long reply comes in parts, or from shared memory, up to max_body") {
    const DaemonProcess daemon(answering("max_body: 2000000"));
    REQUIRE(daemon.start().exit_code == 0);
    check(call(daemon, "large 8120"), 0, std::string(8120, 'x'), "");
    check(call(daemon, "large 8121"), 0, std::string(8121, 'x'), "");
    check(call(daemon, "large 16240"), 0, std::string(16240, 'x'), "");
    check(call(daemon, "large 16241"), 0, std::string(16241, 'x'), "");
    check(call(daemon, "large 2000000"), 0, std::string(2'000'000, 'x'), "");
    const json reply = json::parse(call(daemon, "large 100000", {"--json"}).out);
    CHECK(reply["status"] == "done");
    CHECK(reply["size"] == 100'000);
    check(call(daemon, "large 2000001"), 71, "",
          "myq: jobs: cut: its reply of 2000001 bytes has no room in the caller's queue: it is "
          "done, but have the handler reply less, or raise max_body\n");
    CHECK(myq::SharedMemory::list().empty());
    CHECK(daemon.logged("that is more than is kept"));
    check(call(daemon, "echo next"), 0, "next", "");
}

TEST_CASE("call: each end has its status and its exit code") {
    const DaemonProcess daemon(answering());
    REQUIRE(daemon.start().exit_code == 0);
    check(call(daemon, "reject it is broken"), 65, "half",
          "myq: jobs: rejected: it is broken: see myq dead list\n");
    check(call(daemon, "fail 9"), 70, "",
          "myq: jobs: dead: 3 attempts; the last one: not yet: see myq dead list\n");
    const Run crashed = call(daemon, "crash x");
    CHECK(crashed.exit_code == 70);
#if defined(__SANITIZE_ADDRESS__)  // which ends the process itself
    const std::string end = "exit status 1";
#else
    const std::string end = "killed by SIGSEGV";
#endif
    CHECK_MESSAGE(crashed.err.find("the last one: " + end + " in plugin answers 1.2.0") !=
                      std::string::npos,
                  crashed.err);
    check(daemon.myq({"call", "jobs/8", "x", "--timeout", "60s"}), 70, "",
          "myq: jobs: dead: no handler takes type 8, and none takes any type: see myq dead list\n");
    check(call(daemon, "echo next"), 0, "next", "");
}

TEST_CASE("call: the caller waits through failed attempts, and is told of them") {
    const DaemonProcess daemon(answering());
    REQUIRE(daemon.start().exit_code == 0);
    check(call(daemon, "fail 2"), 0, "not this but attempt 3", "");
    const auto told = lines(call(daemon, "fail 2", {"--json"}).out);
    REQUIRE(told.size() == 3);
    CHECK(told[0]["status"] == "retrying");
    CHECK(told[0]["attempts"] == 1);
    CHECK(told[0]["text"] == "not yet");
    CHECK(told[0]["due_ms"] > 1'000'000'000'000);
    CHECK(told[1]["attempts"] == 2);
    CHECK(told[2]["status"] == "done");
}

TEST_CASE(
    "call: also when the whole daemon is killed meanwhile, of a memory queue or a journaled") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        const DaemonProcess daemon(
            answering(fmt::format("durability: {}\nretry: {{delay: 10ms}}", durability)));
        REQUIRE(daemon.start().exit_code == 0);
        check(call(daemon, "fail 2"), 0, "not this but attempt 3", "");
        Run killed;
        {
            std::jthread caller([&] { killed = call(daemon, "nap 300"); });
            REQUIRE(daemon.logged("napping"));
            daemon.kill_all();
            daemon.wait_until_gone();
            REQUIRE(daemon.start().exit_code == 0);
        }
        check(killed, 0, "rested", "");
        CHECK(daemon.logged("napping", 2));
        CHECK(queues() == 1);
        REQUIRE(daemon.stop().exit_code == 0);
    }
}

TEST_CASE("call: progress is told while the handler works") {
    const DaemonProcess daemon(answering());
    REQUIRE(daemon.start().exit_code == 0);
    const auto told = lines(call(daemon, "tell 3", {"--json"}).out);
    REQUIRE(told.size() == 4);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(told[i]["status"] == "progress");
        CHECK(told[i]["done"] == i + 1);
        CHECK(told[i]["total"] == 3);
        CHECK(told[i]["text"] == fmt::format("step\x1b {}", i + 1));
    }
    CHECK(told[3]["body"] == "told");
    check(call(daemon, "tell 2"), 0, "told", "");  // standard error is no terminal
}

TEST_CASE("call: a message that nobody takes in time: the caller gives up, and says so") {
    const DaemonProcess daemon(answering());
    REQUIRE(daemon.start().exit_code == 0);
    const Run late = daemon.myq({"call", "jobs/work", "nap 600", "--timeout", "50ms"});
    CHECK(late.exit_code == 75);
    CHECK_MESSAGE(late.err.starts_with("myq: jobs: no reply in 50ms: message "), late.err);
    CHECK(queues() == 1);
    REQUIRE(daemon.stop().exit_code == 0);
}

TEST_CASE("call: a message that is worthless by then is expired") {
    const DaemonProcess daemon(answering("receivers: 1"));
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(7, "nap 300");
    check(call(daemon, "echo late", {"--ttl", "1ms"}), 75, "",
          "myq: jobs: expired: its time was over before it was handled: give it longer with "
          "--ttl, or see that its workers keep up\n");
}

TEST_CASE("call: a plugin of ABI 1.1 takes calls as it takes messages") {
    const DaemonProcess daemon({{"abi_1_1"}, "handlers: [{type: 7, plugin: abi_1_1}]", {}});
    REQUIRE(daemon.start().exit_code == 0);
    check(daemon.myq({"call", "jobs/7", "four", "--timeout", "60s"}), 0, "", "");
    CHECK(daemon.logged("abi_1_1: 4 bytes, 48 of the host"));
    check(daemon.myq({"call", "jobs/7", "", "--timeout", "60s"}), 65, "",
          "myq: jobs: rejected: nothing in it: see myq dead list\n");
}

}  // TEST_SUITE("call")
