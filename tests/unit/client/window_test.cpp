// send --lines --confirm: many messages in flight.
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/intake.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/syscall.h>

#include <algorithm>
#include <csignal>
#include <sstream>
#include <string>

TEST_SUITE("window") {

using namespace myq;
using namespace myq::test;

namespace {

struct Target {
    std::vector<std::string> args(std::initializer_list<std::string> more = {}) const {
        std::vector<std::string> all = {
            "send", "--id", std::to_string(queue.id()), "--type", "1", "--lines", "--confirm"};
        all.insert(all.end(), more);
        return all;
    }

    std::string name() const { return "queue with id " + std::to_string(queue.id()); }

    // Room for so many bodies of one byte in their envelopes.
    void hold(std::uint64_t messages) const {
        queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = messages * 65});
    }

    bool is_empty() const { return queue.stat().messages == 0; }

    ScratchQueue queue;
    Intake intake{queue};
};

std::string lines(int count) {
    std::string text;
    for (int i = 1; i <= count; ++i)
        text += std::to_string(i % 10) + "\n";
    return text;
}

constexpr auto accepted = ConfirmStatus::accepted;
constexpr auto full = ConfirmStatus::full;
constexpr auto failed = ConfirmStatus::failed;

}  // namespace

TEST_CASE("No more messages than the window holds are in flight") {
    const Target target;
    ClientProcess sender(target.args({"--window", "3"}), {.input = lines(5)});
    std::vector<Asked> asked = target.intake.take(3);
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    CHECK(target.is_empty());
    for (std::size_t i = 0; i < asked.size(); ++i) {
        CHECK(asked[i].confirm->sequence == i + 1);
        CHECK(asked[i].body == std::to_string(i + 1));
    }
    // In any order: the answer to the third makes room for the fourth.
    Intake::answer(asked[2]);
    const Asked fourth = target.intake.take();
    CHECK(fourth.confirm->sequence == 4);
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    CHECK(target.is_empty());
    Intake::answer(fourth, {{1, 2, accepted}, {4, 1, accepted}});
    const Asked fifth = target.intake.take();
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    Intake::answer(fifth);
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK(queues() == 1);
}

TEST_CASE("The window is 256 messages unless it is told otherwise") {
    const Target target;
    ClientProcess sender(target.args(), {.input = lines(300)});
    const std::vector<Asked> asked = target.intake.take(256);
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    CHECK(target.is_empty());
    Intake::answer(asked[0], {{1, 256, accepted}});
    Intake::answer(target.intake.take(44)[0], {{257, 44, accepted}});
    CHECK(sender.wait().status == 0);
}

TEST_CASE("No line at all is well confirmed") {
    const Target target;
    check_myq(target.args(), 0, "", "");
    CHECK(queues() == 1);
}

TEST_CASE("A kernel queue that is full stops nobody, whatever comes first, room or an answer") {
    const Target target;
    target.hold(4);
    ClientProcess sender(target.args(), {.input = lines(12)});
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    CHECK(target.queue.stat().messages == 4);
    // Room, and no answer yet: a daemon that gathers a batch larger than the queue.
    const std::vector<Asked> asked = target.intake.take(8);
    // An answer too.
    Intake::answer(asked[7], {{3, 6, accepted}});
    const std::vector<Asked> rest = target.intake.take(4);
    Intake::answer(rest[3], {{9, 4, accepted}, {1, 2, accepted}});
    CHECK(sender.wait().status == 0);
}

TEST_CASE("Many lines are confirmed one by one through a small queue") {
    constexpr int count = 5'000;
    const Target target;
    target.hold(10);
    ClientProcess sender(target.args({"--window", "32", "--json"}), {.input = lines(count)});
    const pid_t daemon = fork_child([&] {
        for (int i = 0; i < count; ++i)
            Intake::answer(target.intake.take());
        return 0;
    });
    const Outcome outcome = sender.wait();
    CHECK(wait_for(daemon) == 0);
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == count);
    CHECK(target.is_empty());
}

TEST_CASE("Refused lines are named, the gravest reason first, and it decides the status") {
    const Target target;
    ClientProcess sender(target.args(), {.input = lines(7)});
    const Asked asked = target.intake.take(7)[0];
    Intake::answer(asked, {{1, 2, accepted}, {3, 2, full}, {5, 1, failed}, {6, 1, accepted}});
    Intake::answer(asked, {{7, 1, full}});
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 71);
    CHECK(outcome.err ==
          "myq: " + target.name() +
              ": line 5: not taken: the journal cannot be written: see the log of myqd, then send "
              "it again\nmyq: " +
              target.name() +
              ": lines 3 to 4, 7: not taken: the journal or its disk is full: try again later, or "
              "make room: free the disk, raise journal.max_size, or look at myq dead list (3 "
              "messages confirmed)\n");
    CHECK(queues() == 1);
}

TEST_CASE("After the first refusal nothing more is sent, and what is in flight is waited for") {
    const Target target;
    ClientProcess sender(target.args({"--window", "2"}), {.input = lines(9)});
    const std::vector<Asked> asked = target.intake.take(2);
    Intake::answer(asked[0], full);
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    Intake::answer(asked[1]);
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 75);
    CHECK(outcome.err.find(": line 1: not taken: the journal or its disk is full") !=
          std::string::npos);
    CHECK(outcome.err.ends_with("(1 message confirmed)\n"));
    CHECK(target.is_empty());
}

TEST_CASE("A refusal ends it at once, even while it waits for more input") {
    const Target target;
    ClientProcess sender(target.args(), {.pipe_input = true});
    sender.feed("one\n");
    Intake::answer(target.intake.take(), failed);
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 71);
    CHECK(outcome.err.find(": line 1: not taken: the journal cannot be written") !=
          std::string::npos);
}

TEST_CASE("Answers are heard, and lines sent, as they come while the input has pauses") {
    const Target target;
    ClientProcess sender(target.args({"--json"}), {.pipe_input = true});
    sender.feed("one\ntw");
    const Asked first = target.intake.take();
    Intake::answer(first);
    CHECK(sender.prints("{\"line\":1,\"id\":\"" + first.id.text() + "\",\"status\":\"accepted\"}"));
    sender.feed("o\n");
    const Asked second = target.intake.take();
    // With the second unconfirmed the third is sent all the same.
    sender.feed("three\n");
    const Asked third = target.intake.take();
    CHECK(third.body == "three");
    sender.end_input();
    Intake::answer(third, {{2, 2, accepted}});
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.out.find("{\"line\":2,\"id\":\"" + second.id.text() + "\"") != std::string::npos);
}

TEST_CASE("--timeout and signals end it with what is known") {
    const Target target;
    const Outcome late =
        test::myq(target.args({"--timeout", "50ms", "--window", "2"}), {.input = lines(3)});
    CHECK(late.status == 75);
    CHECK(late.err == "myq: " + target.name() +
                          ": not confirmed within 50ms: is myqd running? What is sent may still be "
                          "taken later (0 messages confirmed, 2 sent and not confirmed)\n");
    target.intake.take(2);

    ClientProcess sender(target.args(), {.input = lines(3)});
    Intake::answer(target.intake.take(3)[0], {{1, 2, accepted}});
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    sender.signal(SIGTERM);
    const Outcome stopped = sender.wait();
    CHECK(stopped.status == -SIGTERM);
    CHECK(stopped.err.starts_with("myq: interrupted: "));
    CHECK(stopped.err.ends_with(" sent and not confirmed\n"));
    CHECK(queues() == 1);
}

TEST_CASE("A line that cannot be sent ends it, once it is known what became of the others") {
    const Target target;
    ClientProcess sender(target.args(), {.input = "one\n" + std::string(largest_body(), 'x')});
    const Asked asked = target.intake.take();
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    Intake::answer(asked);
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 65);
    CHECK(outcome.err.find("standard input, line 2: longer than ") != std::string::npos);
    CHECK(outcome.err.ends_with("(1 message confirmed)\n"));
    CHECK(target.is_empty());
}

}  // TEST_SUITE("window")
