// F45: callers that die, do not read, or ask in somebody else's name; and kills of who answers
// them.
#include "ipc/envelope.hpp"
#include "ipc/reply.hpp"
#include "ipc/reply_queue.hpp"
#include "ipc/shared_memory.hpp"
#include "tests/faults/processes.hpp"
#include "tests/faults/tracer.hpp"
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>
#include <spawn.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

TEST_SUITE("call") {

using namespace myq::test;
using myq::MessageQueue;

namespace {

DaemonProcess::Setup called(const char* durability) {
    return {{"answers"},
            fmt::format("durability: {}\nretry: {{attempts: 1000, delay: 10ms}}\n"
                        "handlers: [{{type: 7, name: work, plugin: answers}}]",
                        durability),
            {}};
}

pid_t start_call(const DaemonProcess& daemon, const std::string& body) {
    std::vector<std::string> words{MYQ_BINARY, "-c",        daemon.config_file(),
                                   "call",     "jobs/work", body};
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t pid = -1;
    REQUIRE(::posix_spawn(&pid, pointers[0], nullptr, nullptr, pointers.data(), environ) == 0);
    return pid;
}

void kill_and_reap(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

bool answers(const DaemonProcess& daemon) {
    return daemon.myq({"call", "jobs/work", "echo hello", "--timeout", "60s"}).out == "hello";
}

// A call of 200 000 bytes, each system call of which may fail or kill.
Run traced_call(const DaemonProcess& daemon, const std::string& trace, const std::string& fault) {
    return run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + trace, "-e",
                fmt::format("inject={}", fault), MYQ_BINARY, "-c", daemon.config_file(), "call",
                "jobs/work", "large 200000", "--timeout", "60s"});
}

bool no_memory_is_left(const DaemonProcess& daemon) {
    return daemon.stop().exit_code == 0 && daemon.start().exit_code == 0 &&
           eventually([] { return myq::SharedMemory::list().empty(); });
}

// Only the daemon's own is left. What the dead leave is cleared away at most once a minute by each
// process that answers: a daemon that has just started does at once.
bool all_is_cleared_away(const DaemonProcess& daemon) {
    if (daemon.stop().exit_code != 0 || daemon.start().exit_code != 0) return false;
    return answers(daemon) && MessageQueue::list().size() == 1;
}

std::uint64_t messages_in(int queue_id) {
    return MessageQueue::from_id(queue_id).stat_any().messages;
}

// A message with any address for its reply.
void call_for(const DaemonProcess& daemon, const myq::ReplyAddress& address,
              const std::string& body = "echo hello") {
    myq::Envelope envelope;
    envelope.id = myq::MessageId::random();
    envelope.reply = address;
    envelope.body = std::as_bytes(std::span(body));
    REQUIRE(daemon.queue().send(7, myq::encode_envelope(envelope)) == myq::SendStatus::sent);
}

// As its proof has it.
std::int64_t token_of(int queue) {
    std::int64_t proof = 0;
    REQUIRE(::msgrcv(queue, &proof, 0, 0, MSG_COPY | IPC_NOWAIT) == 0);
    return proof - 1;
}

}  // namespace

TEST_CASE("F45: a caller that is killed at any step costs nobody anything, and leaves nothing") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        const DaemonProcess daemon(called(durability));
        REQUIRE(daemon.start().exit_code == 0);
        // While its message waits, with a daemon that does nothing.
        for (const pid_t pid : daemon_processes())
            ::kill(pid, SIGSTOP);
        pid_t caller = start_call(daemon, "asked");
        REQUIRE(eventually([&] { return daemon.queue().stat_any().last_send_pid == caller; }));
        kill_and_reap(caller);
        for (const pid_t pid : daemon_processes())
            ::kill(pid, SIGCONT);
        CHECK(daemon.logged("answers: asked"));  // it is handled all the same
        // While its handler works.
        caller = start_call(daemon, "nap 200");
        REQUIRE(daemon.logged("napping"));
        kill_and_reap(caller);
        CHECK(answers(daemon));
        // While it waits for the next attempt.
        caller = start_call(daemon, "fail 20");
        REQUIRE(daemon.logged("not yet"));
        kill_and_reap(caller);
        CHECK(answers(daemon));
        // With the reply there, and not read.
        caller = start_call(daemon, "nap 200");
        REQUIRE(daemon.logged("napping", 2));
        ::kill(caller, SIGSTOP);
        REQUIRE(eventually([&] {
            for (const auto& queue : MessageQueue::list()) {
                if (queue.key == IPC_PRIVATE && queue.messages > 1) return true;  // the proof
            }
            return false;
        }));
        kill_and_reap(caller);
        CHECK(answers(daemon));
        CHECK(all_is_cleared_away(daemon));
        CHECK(daemon.myq({"dead", "list"}).out == "no message is dead\n");
    }
}

TEST_CASE("F45: addresses that are gone, nobody's, or somebody else's: no reply is written there") {
    const DaemonProcess daemon(called("memory"));
    REQUIRE(daemon.start().exit_code == 0);
    const uid_t service = daemon.queue().stat_any().uid;
    const auto made = [](uid_t owner, mode_t mode, key_t key) {
        const int id = ::msgget(key, IPC_CREAT | IPC_EXCL | 0600);
        REQUIRE(id >= 0);
        MessageQueue::from_id(id).set({.uid = owner, .gid = {}, .mode = mode, .capacity = {}});
        return id;
    };
    const std::vector<int> others{made(65534, 0600, IPC_PRIVATE), made(service, 0666, IPC_PRIVATE),
                                  made(service, 0600, 0x1234)};
    for (const int id : others)
        call_for(daemon, {id, 7, 1});
    call_for(daemon, {daemon.queue().id(), 7, 1});
    call_for(daemon, {2'000'000'000, 7, 1});
    CHECK(answers(daemon));
    for (const int id : others) {
        CHECK(messages_in(id) == 0);
        ::msgctl(id, IPC_RMID, nullptr);
    }
    CHECK(daemon.myq({"dead", "list"}).out == "no message is dead\n");
}

TEST_CASE("F45: a caller that does not read loses its replies, and the daemon nothing") {
    const DaemonProcess daemon(called("memory"));
    REQUIRE(daemon.start().exit_code == 0);
    const myq::ReplyQueue replies(daemon.queue().stat_any().uid);
    constexpr std::uint64_t calls = 1'000;  // far more than its queue has room for
    for (std::uint64_t i = 1; i <= calls; ++i)
        call_for(daemon, {replies.id(), replies.token(), i});
    CHECK(answers(daemon));
    std::uint64_t read = 0;
    while (replies.receive(myq::Wait::no))
        ++read;
    CHECK(read > 0);
    CHECK(read < calls);
    // From now on it reads, and is told.
    call_for(daemon, {replies.id(), replies.token(), calls + 1});
    const auto last = replies.receive(myq::Wait::yes);
    REQUIRE(last);
    CHECK(myq::decode_reply(last->body).value().sequence == calls + 1);
}

TEST_CASE("F45: a storm of SIGKILL on the workers: each caller is told in the end") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        const DaemonProcess daemon(called(durability));
        REQUIRE(daemon.start().exit_code == 0);
        std::vector<std::jthread> callers;
        std::vector<Run> ends(8);
        std::atomic<std::size_t> ended = 0;
        for (Run& end : ends)
            callers.emplace_back([&] {
                end = daemon.myq({"call", "jobs/work", "nap 100", "--timeout", "120s"});
                ++ended;
            });
        // After more in a row that settle nothing, workers come after pauses of seconds.
        for (int kills = 0; kills < 8 && ended < ends.size(); ++kills) {
            // Somebody is at work again, or nobody is any more.
            REQUIRE(eventually(
                [&] { return ended == ends.size() || count(daemon.log(), "napping") > kills; }));
            for (const pid_t worker : daemon.workers())
                ::kill(worker, SIGKILL);
        }
        callers.clear();
        for (const Run& end : ends) {
            CHECK(end.exit_code == 0);
            CHECK_MESSAGE(end.out == "rested", end.err);
        }
        CHECK(all_is_cleared_away(daemon));
    }
}

TEST_CASE("F45: a caller killed at any system call of a large reply leaves none of it" *
          doctest::test_suite("long")) {
    const DaemonProcess daemon(called("memory"));
    REQUIRE(daemon.start().exit_code == 0);
    for (const char* call : {"shmat", "shmctl", "shmdt", "exit_group"}) {
        for (const int when : {1, 2, 3}) {
            CAPTURE(fmt::format("{}:{}", call, when));
            traced_call(daemon, call, fmt::format("{}:signal=SIGKILL:when={}", call, when));
            CHECK(no_memory_is_left(daemon));
            CHECK(answers(daemon));
        }
    }
    // With the message there, and not read.
    const pid_t caller = start_call(daemon, "nap 200");
    REQUIRE(daemon.logged("napping"));
    ::kill(caller, SIGSTOP);
    for (const char* body : {"large 200000", "large 300000"}) {
        for (const auto& queue : MessageQueue::list()) {
            if (queue.key == IPC_PRIVATE)
                call_for(daemon, {queue.id, token_of(queue.id), 1'000}, body);
        }
    }
    REQUIRE(eventually([] { return myq::SharedMemory::list().size() == 2; }));
    REQUIRE(daemon.stop().exit_code == 0);
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(myq::SharedMemory::list().size() == 2);  // it may come for them still
    kill_and_reap(caller);
    CHECK(no_memory_is_left(daemon));
    CHECK(all_is_cleared_away(daemon));
}

TEST_CASE(
    "F45: a worker killed at any system call of a large reply: its caller is told in the end" *
    doctest::test_suite("long")) {
    const DaemonProcess daemon(called("memory"));
    const std::string trace = daemon.dir() / "trace";
    for (const auto& [call, times] : std::vector<std::pair<std::string, int>>{{"shmget", 1},
                                                                              {"shmat", 1},
                                                                              {"shmctl", 7},
                                                                              {"madvise", 2},
                                                                              {"msgsnd", 1},
                                                                              {"shmdt", 1}}) {
        for (int when = 1; when <= times; ++when) {
            CAPTURE(fmt::format("{}:{}", call, when));
            REQUIRE(daemon.start().exit_code == 0);  // the queue is there
            REQUIRE(daemon.stop().exit_code == 0);
            start_traced(daemon, {"-o", trace, "-e", "trace=" + call, "-e",
                                  fmt::format("inject={}:signal=SIGKILL:when={}", call, when)});
            std::atomic<bool> ended = false;
            Run end;
            {
                std::jthread caller([&] {
                    end = daemon.myq({"call", "jobs/work", "large 200000", "--timeout", "120s"});
                    ended = true;
                });
                CHECK(eventually(
                    [&] { return ended || count(read_file(trace), "killed by SIGKILL") > 0; }));
                kill_every_process();
                REQUIRE(daemon.start().exit_code == 0);
            }
            CHECK(end.exit_code == 0);
            CHECK_MESSAGE(end.out == std::string(200'000, 'x'), end.err);
            CHECK(no_memory_is_left(daemon));
            REQUIRE(daemon.stop().exit_code == 0);
        }
    }
}

TEST_CASE("F45: no room for a large reply: its caller is told that it was there") {
    const DaemonProcess daemon(called("memory"));
    REQUIRE(daemon.start().exit_code == 0);
    std::ofstream("/proc/sys/kernel/shmmni") << 0;
    const Run full = daemon.myq({"call", "jobs/work", "large 200000", "--timeout", "60s"});
    CHECK(full.exit_code == 71);
    CHECK(full.out == "");
    CHECK_MESSAGE(full.err.find("cut: its reply of 200000 bytes has no room in the caller's queue, "
                                "and elsewhere: ") != std::string::npos,
                  full.err);
    CHECK(full.err.find("kernel.shmmni") != std::string::npos);
    std::ofstream("/proc/sys/kernel/shmmni") << 4096;
    CHECK(daemon.myq({"call", "jobs/work", "large 200000", "--timeout", "60s"}).out.size() ==
          200'000);
}

}  // TEST_SUITE("call")
