// send --confirm and --unique: one message whose sender waits for the daemon's word.
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/intake.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/syscall.h>

#include <csignal>
#include <string>

TEST_SUITE("confirm") {

using namespace myq;
using namespace myq::test;

namespace {

struct Target {
    std::vector<std::string> args(std::initializer_list<std::string> more) const {
        std::vector<std::string> all = {"send", "--id", std::to_string(queue.id()), "--type", "1"};
        all.insert(all.end(), more);
        return all;
    }

    std::string name() const { return "queue with id " + std::to_string(queue.id()); }

    ScratchQueue queue;
    Intake intake{queue};
};

}  // namespace

TEST_CASE("--confirm ends well once the daemon has said so, and not before") {
    const Target target;
    ClientProcess sender(target.args({"--confirm", "hello"}));
    const Asked asked = target.intake.take();
    CHECK(asked.body == "hello");
    CHECK(asked.id.is_set());
    CHECK(asked.unique.empty());
    REQUIRE(asked.confirm);
    CHECK(asked.confirm->sequence == 1);
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    Intake::answer(asked);
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.empty());
    CHECK(queues() == 1);
}

TEST_CASE("The answers' queue belongs to the owner of the queue that is sent to") {
    const Target target;
    target.queue.set({.uid = 950, .gid = {}, .mode = 0666, .capacity = {}});
    ClientProcess sender(target.args({"--confirm", "hello"}), {.nobody = true});
    const Asked asked = target.intake.take();
    const QueueStat answers = MessageQueue::from_id(asked.confirm->queue_id).stat_any();
    CHECK(answers.uid == 950);
    CHECK(answers.creator_uid == 65534);
    CHECK(answers.mode == 0600);
    REQUIRE(send_reply(asked.confirm->queue_id, 950, asked.confirm->token,
                       encode_confirm(std::vector<ConfirmRun>{{1, 1, {}}})) == ReplyStatus::sent);
    CHECK(sender.wait().status == 0);
}

TEST_CASE("An answer about another message is no answer") {
    const Target target;
    ClientProcess sender(target.args({"--confirm", "hello"}));
    const Asked asked = target.intake.take();
    Intake::answer(asked, {{2, 5, ConfirmStatus::accepted}});
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    Intake::answer(asked);
    CHECK(sender.wait().status == 0);
}

TEST_CASE("--unique asks with its key and waits too") {
    const Target target;
    const std::string longest(255, 'k');
    ClientProcess sender(target.args({"--unique", longest, "hello"}));
    const Asked asked = target.intake.take();
    CHECK(asked.unique == longest);
    Intake::answer(asked);
    CHECK(sender.wait().status == 0);
}

TEST_CASE("A refusal is told with its reason, what to do, and a status of its own") {
    struct Row {
        ConfirmStatus status;
        int exit_status;
        std::string json, err;
    };
    for (const Row& row :
         {Row{ConfirmStatus::duplicate, 75, "duplicate",
              "one with the unique key 'x' is waiting or running already"},
          Row{ConfirmStatus::full, 75, "full",
              "the journal or its disk is full: try again later, or make room: free the disk, "
              "raise journal.max_size, or look at myq dead list"},
          Row{ConfirmStatus::failed, 71, "failed",
              "the journal cannot be written: see the log of myqd, then send it again"},
          Row{ConfirmStatus::broken, 65, "broken",
              "myqd cannot do what its envelope asks: see the log of myqd; is it due later "
              "than max_keyed_delay allows, or myqd of another version?"}}) {
        const Target target;
        ClientProcess sender(target.args({"--unique", "x", "hello", "--json"}));
        const Asked asked = target.intake.take();
        Intake::answer(asked, row.status);
        const Outcome outcome = sender.wait();
        CHECK(outcome.status == row.exit_status);
        CHECK(outcome.err == "myq: " + target.name() + ": not taken: " + row.err + "\n");
        CHECK(outcome.out ==
              "{\"id\":\"" + asked.id.text() + "\",\"status\":\"" + row.json + "\"}\n");
        CHECK(queues() == 1);
    }
}

TEST_CASE("--json tells the id that was confirmed") {
    const Target target;
    ClientProcess sender(target.args({"--confirm", "--json", "hello"}));
    const Asked asked = target.intake.take();
    Intake::answer(asked);
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "{\"id\":\"" + asked.id.text() + "\",\"status\":\"accepted\"}\n");
}

TEST_CASE("Without an answer --timeout ends the wait, and the message may still be taken") {
    const Target target;
    const Outcome outcome = test::myq(target.args({"--confirm", "--timeout", "50ms", "hello"}));
    const Asked asked = target.intake.take();
    CHECK(outcome.status == 75);
    CHECK(outcome.err == "myq: " + target.name() +
                             ": not confirmed within 50ms: is myqd running? The message may still "
                             "be taken later (id " +
                             asked.id.text() + ")\n");
    CHECK(queues() == 1);
}

TEST_CASE("A signal ends the wait for an answer as a signal does, and leaves no queue behind") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        const Target target;
        ClientProcess sender(target.args({"--confirm", "hello"}));
        const Asked asked = target.intake.take();
        REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
        sender.signal(signal);
        const Outcome outcome = sender.wait();
        CHECK(outcome.status == -signal);
        CHECK(outcome.err ==
              "myq: interrupted: 0 messages confirmed, 1 sent and not confirmed (id " +
                  asked.id.text() + ")\n");
        CHECK(queues() == 1);
    }
}

TEST_CASE("A full queue is waited for before the answer is, or not at all") {
    const Target target;
    target.queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 100});
    REQUIRE(target.queue.send(1, bytes(std::string(100, 'x'))) == SendStatus::sent);
    const Outcome refused = test::myq(target.args({"--confirm", "--nowait", "hello"}));
    CHECK(refused.status == 75);
    CHECK(refused.err == "myq: " + target.name() +
                             ": queue full (100 of 100 bytes, 1 message): try again later, or wait "
                             "with --timeout\n");
    ClientProcess sender(target.args({"--confirm", "hello"}));
    REQUIRE(blocks_in(sender.pid(), SYS_msgsnd));
    REQUIRE(target.queue.receive(100, Selector::any(), Wait::no));
    Intake::answer(target.intake.take());
    CHECK(sender.wait().status == 0);
}

TEST_CASE("When a queue is removed under the wait, nobody knows what became of the message") {
    for (const bool answers : {false, true}) {
        const Target target;
        ClientProcess sender(target.args({"--confirm", "hello"}));
        const Asked asked = target.intake.take();
        REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
        if (answers) {
            MessageQueue::from_id(asked.confirm->queue_id).remove();
        } else {
            target.queue.remove();
        }
        const Outcome outcome = sender.wait();
        CHECK(outcome.status == 69);
        CHECK(outcome.err == "myq: " + target.name() +
                                 ": the queue, or the one for the answer, was removed: what is not "
                                 "confirmed may have been taken, or be lost (id " +
                                 asked.id.text() + ")\n");
        CHECK(queues() == (answers ? 1 : 0));
    }
}

TEST_CASE("An answer that cannot be read is status 70") {
    const Target target;
    ClientProcess sender(target.args({"--confirm", "hello"}));
    Intake::answer_bytes(target.intake.take(), bytes("what?"));
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 70);
    CHECK(outcome.err == "myq: " + target.name() +
                             ": the daemon's answer cannot be read: is it of another version? The "
                             "message may have been taken\n");
}

TEST_CASE("The envelope of a confirmed message leaves less room for its body") {
    const Target target;
    const std::size_t limit = largest_body() - 64;  // its head, and the address for the answer
    ClientProcess sender(target.args({"--confirm"}), {.input = std::string(limit, 'x')});
    const Asked asked = target.intake.take();
    CHECK(asked.body.size() == limit);
    Intake::answer(asked);
    CHECK(sender.wait().status == 0);
    const Outcome outcome =
        test::myq(target.args({"--confirm"}), {.input = std::string(limit + 1, 'x')});
    CHECK(outcome.status == 65);
    CHECK(outcome.err == "myq: standard input: longer than " + std::to_string(limit) +
                             " bytes, which is kernel.msgmax less the 64 of its envelope: send "
                             "less at once, or raise it: sysctl -w kernel.msgmax=N, or if a "
                             "myqd reads this queue, use --blob\n");
    CHECK(queues() == 1);
}

TEST_CASE("When the id cannot be printed, the message is confirmed and no queue is left") {
    const Target target;
    ClientProcess sender(target.args({"--confirm", "--json", "hello"}));
    const Asked asked = target.intake.take();
    sender.close_output();
    Intake::answer(asked);
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 71);
    CHECK(outcome.err == "myq: standard output: cannot be written: Broken pipe\n");
    CHECK(queues() == 1);
}

}  // TEST_SUITE("confirm")
