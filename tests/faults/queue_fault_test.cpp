// What befalls the kernel queue: full (F09), removed (F10), shut (F11), of a kernel that grants
// little (F12), longer messages (F13), floods of what nobody wants first (F15, F16).
#include "tests/faults/expect.hpp"
#include "tests/faults/flood.hpp"
#include "tests/faults/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>
#include <sys/msg.h>

#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

TEST_SUITE("queue_fault") {

using namespace myq::test;
using myq::MessageQueue;
using myq::QueueSettings;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

void set_sysctl(const char* name, std::uint64_t value) {
    std::ofstream(fmt::format("/proc/sys/kernel/{}", name)) << value;
}

std::vector<std::thread> send_blocked(Stage& stage, std::size_t senders) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < senders; ++i) {
        threads.emplace_back([&] {
            try {
                stage.checker.send(stage.daemon.queue(), 1);
            } catch (const myq::IpcError&) {
                // Removed under it: it knows that nobody has its message.
            }
        });
    }
    return threads;
}

void join(std::vector<std::thread>& threads) {
    for (std::thread& thread : threads)
        thread.join();
}

// Until it has no room for eight bytes more.
void fill(Stage& stage) {
    const MessageQueue queue = stage.daemon.queue();
    const auto fits = [&] {
        const auto stat = queue.stat_any();
        return stat.messages + 1 <= stat.capacity && stat.bytes + 8 <= stat.capacity;
    };
    while (fits())
        stage.checker.send(queue, 1);
}

}  // namespace

TEST_CASE(
    "F09: a thousand senders wait for room in a full queue, nobody spins, and all get through") {
    const std::size_t senders = has_sanitizer ? 200 : 1'000;
    Stage stage({.messages = 5'000, .receivers = 1, .queue = "overflow: block"});
    REQUIRE(stage.daemon.start().exit_code == 0);
    QueueSettings small;
    small.capacity = 64;
    stage.daemon.queue().set(small);
    const pid_t worker = stage.daemon.workers().at(0);
    ::kill(worker, SIGSTOP);
    fill(stage);
    const pid_t supervisor = stage.daemon.supervisor();
    const auto cpu = cpu_time(supervisor);
    auto blocked = send_blocked(stage, senders);
    // Longer than what little room there may be.
    const std::string body(60, 'x');
    const Run refused = stage.daemon.myq({"send", "jobs/1", "--nowait", body});
    CHECK(refused.exit_code == 75);
    CHECK_MESSAGE(refused.err.find("full") != std::string::npos, refused.err);
    CHECK(stage.daemon.myq({"send", "jobs/1", "--timeout", "50ms", body}).exit_code == 75);
    CHECK(cpu_time(supervisor) - cpu < milliseconds{500});
    ::kill(worker, SIGCONT);
    join(blocked);
    CHECK(eventually([&] { return stage.checker.handled() == stage.checker.sent(); }));
    expect_promises_kept(stage);
}

TEST_CASE(
    "F10: a full queue is removed: what waited in it is gone, what is in hand is not, and the "
    "senders are told") {
    Stage stage({.messages = 200'000, .receivers = 1});
    stage.checker.forget_the_account();  // of what is gone nobody knows
    REQUIRE(stage.daemon.start().exit_code == 0);
    const auto workers = stage.daemon.workers();
    QueueSettings small;
    small.capacity = 1'000;
    stage.daemon.queue().set(small);
    const std::size_t in_hand = stage.checker.sent();
    stage.checker.send(stage.daemon.queue(), 1, "sleep=500");
    REQUIRE(eventually([&] { return stage.checker.times(in_hand) == 1; }));
    fill(stage);
    auto blocked = send_blocked(stage, 20);  // they are told EIDRM
    stage.daemon.queue().remove();
    join(blocked);
    for (std::size_t id = in_hand + 1; id < stage.checker.sent(); ++id)
        stage.checker.may_be_lost(id);
    CHECK(stage.daemon.logged("was removed from outside"));
    CHECK(stage.daemon.workers() == workers);
    CHECK(eventually([&] { return stage.checker.times(in_hand) == 1; }));
    expect_promises_kept(stage);
}

TEST_CASE("F10: a journaled queue is removed, again and again under load") {
    Stage stage({.messages = 3'000'000, .durability = "journal"});
    stage.checker.forget_the_account();
    REQUIRE(stage.daemon.start().exit_code == 0);
    const auto workers = stage.daemon.workers();
    for (int round = 0; round < 10; ++round) {
        const std::size_t first = stage.checker.sent();
        {
            Flood flood(stage, 100'000, seed());
            while (!flood.is_over() && flood.sent() < 5'000)
                std::this_thread::yield();
            stage.daemon.queue().remove();
            REQUIRE(stage.daemon.logged("was removed from outside", round + 1));
        }
        // Of those nobody can say which waited.
        for (std::size_t id = first; id < stage.checker.sent(); ++id)
            stage.checker.may_be_lost(id);
        CHECK(stage.checker.probe());
    }
    CHECK(stage.daemon.workers() == workers);
    expect_promises_kept(stage);
}

TEST_CASE("F11: shut and stopped up from outside under load: it is opened again, and goes on") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        Stage stage({.messages = 1'000'000, .durability = durability});
        REQUIRE(stage.daemon.start().exit_code == 0);
        const MessageQueue queue = stage.daemon.queue();
        Flood flood(stage, 900'000, seed());
        for (int round = 0; round < 20; ++round) {
            QueueSettings shut;
            shut.mode = 0;
            queue.set(shut);
            CHECK(eventually([&] { return queue.stat_any().mode == 0620; }));
            QueueSettings stopped_up;
            stopped_up.capacity = 0;
            queue.set(stopped_up);
            CHECK(eventually([&] { return queue.stat_any().messages == 0; }));
            QueueSettings open;
            open.capacity = 1U << 20U;
            queue.set(open);
        }
        flood.stop();
        expect_promises_kept(stage);
    }
}

TEST_CASE(
    "F12: a kernel that grants next to nothing: it works with that, or says what is missing") {
    SUBCASE("kernel.msgmnb=16") {
        Stage stage({.messages = 1'000});
        set_sysctl("msgmnb", 16);
        const Run start = stage.daemon.start();
        REQUIRE_MESSAGE(start.exit_code == 0, start.err);
        for (int i = 0; i < 1'000; ++i)
            REQUIRE(stage.checker.send(stage.daemon.queue(), 1));
        expect_promises_kept(stage);
    }
    SUBCASE("kernel.msgmax=4") {
        Stage stage({.messages = 1'000});
        const auto normal = myq::largest_body();
        set_sysctl("msgmax", 4);
        const Run start = stage.daemon.start();
        REQUIRE_MESSAGE(start.exit_code == 0, start.err);
        for (int i = 0; i < 1'000; ++i)
            REQUIRE(stage.checker.send(stage.daemon.queue(), 1));
        set_sysctl("msgmax", normal);
        expect_promises_kept(stage);
    }
    SUBCASE("kernel.msgmni is used up") {
        Stage stage({.messages = 1});
        for (const auto& queue : MessageQueue::list())
            MessageQueue::from_id(queue.id).remove();
        set_sysctl("msgmni", 0);
        const Run start = stage.daemon.start();
        CHECK(start.exit_code != 0);
        CHECK_MESSAGE(start.err.find("msgmni") != std::string::npos, start.err);
        CHECK(eventually([] { return daemon_processes().empty(); }));
        set_sysctl("msgmni", 100);
        expect_promises_kept(stage);
    }
}

TEST_CASE("F13: a message longer than the intake's slot, since msgmax was raised, gets through") {
    Stage stage({.messages = 1'000, .durability = "journal"});
    REQUIRE(stage.daemon.start().exit_code == 0);
    const auto before = myq::largest_body();
    set_sysctl("msgmax", 900'000);
    for (int i = 0; i < 3; ++i) {
        const std::size_t id = stage.checker.next();
        std::string body = std::to_string(id) + ":sleep=0";
        body += std::string(300'000, ' ');
        stage.daemon.send(1, body);
        stage.checker.accepted(id);
    }
    set_sysctl("msgmax", before);
    CHECK(eventually([&] { return stage.checker.handled() == 3; }));
    expect_promises_kept(stage);
}

TEST_CASE("F15: a flood of a type that nobody handles is dead, and delays nobody for long") {
    // Each of them is a transaction of the journal.
    const std::size_t flood = scaled(500, 10'000);
    Stage stage({.messages = 20'000});
    // Only type 1 has a handler.
    REQUIRE(run({"sed", "-i", "s/type: any/type: 1/", stage.daemon.config_file()}).exit_code == 0);
    REQUIRE(stage.daemon.start().exit_code == 0);
    const MessageQueue queue = stage.daemon.queue();
    for (std::size_t i = 0; i < flood; ++i)
        REQUIRE(stage.checker.send(queue, 999'999, "", Checker::Fate::again));
    CHECK(stage.checker.probe());
    CHECK(eventually([&] { return queue.stat_any().messages == 0; }));
    CHECK(count(stage.daemon.myq({"dead", "list", "--all", "--json"}).out,
                "no handler takes type 999999") == static_cast<int>(flood));
    expect_promises_kept(stage);
}

TEST_CASE(
    "F16: a message of another type behind a hundred thousand comes as soon as they are done, "
    "and none of them costs more for it") {
    const std::size_t backlog = scaled(100'000);
    Stage stage({.messages = 110'000, .receivers = 1});
    REQUIRE(stage.daemon.start().exit_code == 0);
    REQUIRE(stage.daemon.stop().exit_code == 0);
    QueueSettings large;
    large.capacity = 4U << 20U;
    set_sysctl("msgmnb", 4U << 20U);
    REQUIRE(run({"sed", "-i", "s/capacity: 1MiB/capacity: 4MiB/", stage.daemon.config_file()})
                .exit_code == 0);
    REQUIRE(stage.daemon.start().exit_code == 0);
    REQUIRE(stage.daemon.stop().exit_code == 0);
    const MessageQueue queue = stage.daemon.queue();
    for (std::size_t i = 0; i < backlog; ++i)
        REQUIRE(stage.checker.send(queue, 7));
    REQUIRE(stage.checker.send(queue, 1));
    const std::size_t last = stage.checker.sent() - 1;
    REQUIRE(stage.daemon.start().exit_code == 0);
    const auto begin = steady_clock::now();
    REQUIRE(eventually([&] { return stage.checker.times(last) == 1; }));
    // Received type by type, each would be a walk over all before it: minutes.
    CHECK(steady_clock::now() - begin < std::chrono::seconds{10});
    CHECK(stage.checker.handled() == backlog + 1);
    expect_promises_kept(stage);
}

}  // TEST_SUITE("queue_fault")
