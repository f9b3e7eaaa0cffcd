// call: one message whose sender waits for what its handler replies.
#include "client/call_progress.hpp"
#include "ipc/blob.hpp"
#include "ipc/shared_memory.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/intake.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/syscall.h>

#include <csignal>
#include <string>

TEST_SUITE("call") {

using namespace myq;
using namespace myq::test;

namespace {

using Status = Reply::Status;

struct Callee {
    std::vector<std::string> args(std::initializer_list<std::string> more) const {
        std::vector<std::string> all = {"call", "--id", std::to_string(queue.id()), "--type", "1"};
        all.insert(all.end(), more);
        return all;
    }

    std::string name() const { return "queue with id " + std::to_string(queue.id()); }

    ScratchQueue queue;
    Intake intake{queue};
};

Reply end(Status status, std::string_view text, std::string_view reply = {}) {
    return {1, status, text, 0, reply.size(), std::as_bytes(std::span(reply))};
}

}  // namespace

TEST_CASE("call prints the reply to its own message, and nothing before it is whole") {
    const Callee callee;
    ClientProcess caller(callee.args({"hello"}));
    const Asked asked = callee.intake.take();
    CHECK(asked.body == "hello");
    CHECK(asked.id.is_set());
    CHECK(!asked.confirm);
    REQUIRE(asked.reply);
    Reply other = end(Status::done, "", "another's");
    other.sequence = 2;
    Intake::reply(asked, other);
    Intake::reply(asked, {1, Status::progress, "half", 1, 2, {}});
    Reply part = end(Status::done, "", "first, ");
    part.second = 13;
    Intake::reply(asked, part);
    REQUIRE(blocks_in(caller.pid(), SYS_msgrcv));
    part.first = 7;
    part.part = bytes("second");
    Intake::reply(asked, part);
    const Outcome outcome = caller.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "first, second");
    CHECK(outcome.err == "");
    CHECK(queues() == 1);
}

TEST_CASE("Every end of a call has its exit status and its sentence") {
    struct Row {
        Status status;
        int exit_status;
        std::string out, advice;
    };
    for (const Row& row : {Row{Status::cut, 71, "",
                               "it is done, but have the handler reply less, or raise max_body"},
                           Row{Status::rejected, 65, "reply", "see myq dead list"},
                           Row{Status::dead, 70, "", "see myq dead list"},
                           Row{Status::expired, 75, "",
                               "give it longer with --ttl, or see that its workers keep up"},
                           Row{Status::refused, 75, "", "try again later"}}) {
        const Callee callee;
        ClientProcess caller(callee.args({"hello"}));
        Intake::reply(callee.intake.take(), end(row.status, "wh\x1by", row.out));
        const Outcome outcome = caller.wait();
        CHECK(outcome.status == row.exit_status);
        CHECK(outcome.out == row.out);
        CHECK(outcome.err == "myq: " + callee.name() + ": " + name(row.status) +
                                 ": wh\\x1by: " + row.advice + "\n");
        CHECK(queues() == 1);
    }
}

TEST_CASE("call fetches a reply from shared memory, and says so if it is not what it should be") {
    const Callee callee;
    const std::string whole(100'000, 'x');
    ClientProcess caller(callee.args({"hello", "--json"}));
    Asked asked = callee.intake.take();
    Reply cut = end(Status::cut, "no room");
    cut.second = whole.size();
    const auto answer = [&](const auto& change) {
        OutgoingBlob blob(OutgoingBlob::ReplyTo{geteuid(), asked.reply->queue_id}, bytes(whole));
        cut.large = blob.reference();
        change(*cut.large);
        Intake::reply(asked, cut);
        blob.sent();
    };
    answer([](BlobReference&) {});
    Outcome outcome = caller.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "{\"id\":\"" + asked.id.text() +
                             "\",\"status\":\"done\",\"text\":\"\",\"size\":100000,\"body\":\"" +
                             whole + "\"}\n");
    CHECK(SharedMemory::list().empty());
    ClientProcess second(callee.args({"hello"}));
    asked = callee.intake.take();
    answer([](BlobReference& reference) { ++reference.checksum; });
    outcome = second.wait();
    CHECK(outcome.status == 71);
    CHECK(outcome.out == "");
    CHECK(outcome.err == "myq: " + callee.name() +
                             ": cut: of its reply of 100000 bytes, the checksum of its body is "
                             "wrong: it is done, but have the handler reply less, or raise "
                             "max_body\n");
    CHECK(SharedMemory::list().empty());
    CHECK(queues() == 1);
}

TEST_CASE("call --json says everything, a line each") {
    const Callee callee;
    ClientProcess caller(callee.args({"hello", "--json"}));
    const Asked asked = callee.intake.take();
    Intake::reply(asked, {1, Status::retrying, "no disk", 1, 99, {}});
    Intake::reply(asked, {1, Status::progress, "half", 1, 2, {}});
    Intake::reply(asked, end(Status::done, "", "\xff"));
    const Outcome outcome = caller.wait();
    const std::string head = "{\"id\":\"" + asked.id.text() + "\",\"status\":";
    CHECK(outcome.status == 0);
    CHECK(outcome.out ==
          head + "\"retrying\",\"text\":\"no disk\",\"attempts\":1,\"due_ms\":99}\n" + head +
              "\"progress\",\"text\":\"half\",\"done\":1,\"total\":2}\n" + head +
              "\"done\",\"text\":\"\",\"size\":1,\"body_base64\":\"/w==\"}\n");
}

TEST_CASE("call --php sends what PHP reads, and reads what PHP wrote") {
    const Callee callee;
    ClientProcess caller(callee.args({"--php", "[1]"}));
    const Asked asked = callee.intake.take();
    CHECK(asked.body == "a:1:{i:0;i:1;}");
    Intake::reply(asked, end(Status::done, "", "s:2:\"ok\";"));
    CHECK(caller.wait().out == "\"ok\"\n");
    ClientProcess raw(callee.args({"--php", "1"}));
    Intake::reply(callee.intake.take(), end(Status::done, "", "ok"));
    const Outcome outcome = raw.wait();
    CHECK(outcome.out == "ok");
    CHECK(outcome.err.find("it is written as it is") != std::string::npos);
}

TEST_CASE("call --ttl is a message that expires") {
    const Callee callee;
    ClientProcess caller(callee.args({"hello", "--ttl", "1h"}));
    const Asked asked = callee.intake.take();
    CHECK(asked.expires_ms);
    Intake::reply(asked, end(Status::done, ""));
    CHECK(caller.wait().status == 0);
}

TEST_CASE("A signal ends a call as a signal does, and leaves no queue behind") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        const Callee callee;
        ClientProcess caller(callee.args({"hello"}));
        const Asked asked = callee.intake.take();
        REQUIRE(blocks_in(caller.pid(), SYS_msgrcv));
        caller.signal(signal);
        const Outcome outcome = caller.wait();
        CHECK(outcome.status == -signal);
        CHECK(outcome.err == "myq: interrupted: message " + asked.id.text() +
                                 " is sent, and may still be handled\n");
        CHECK(queues() == 1);
    }
}

TEST_CASE("When a queue is removed under a call, nobody knows what became of the message") {
    for (const bool replies : {false, true}) {
        const Callee callee;
        ClientProcess caller(callee.args({"hello"}));
        const Asked asked = callee.intake.take();
        REQUIRE(blocks_in(caller.pid(), SYS_msgrcv));
        if (replies) {
            MessageQueue::from_id(asked.reply->queue_id).remove();
        } else {
            callee.queue.remove();
        }
        const Outcome outcome = caller.wait();
        CHECK(outcome.status == 69);
        CHECK(outcome.err == "myq: " + callee.name() +
                                 ": the queue, or the one for the reply, was removed: message " +
                                 asked.id.text() + " may have been handled, or be lost\n");
        CHECK(queues() == (replies ? 1 : 0));
    }
}

TEST_CASE("A reply that cannot be read is status 70, one that cannot be written 71") {
    const Callee callee;
    ClientProcess caller(callee.args({"hello"}));
    const Asked asked = callee.intake.take();
    Intake::reply_bytes(asked, bytes("what?"));
    const Outcome unreadable = caller.wait();
    CHECK(unreadable.status == 70);
    CHECK(unreadable.err == "myq: " + callee.name() +
                                ": the daemon's reply cannot be read: is it of another version? "
                                "Message " +
                                asked.id.text() + " may have been handled\n");
    ClientProcess unheard(callee.args({"hello"}));
    unheard.close_output();
    Intake::reply(callee.intake.take(), end(Status::done, "", "reply"));
    CHECK(unheard.wait().status == 71);
    CHECK(queues() == 1);
}

TEST_CASE("Progress is a bar where the total is known, and words where it is not") {
    const auto line = [](Status status, std::string_view text, std::uint64_t first,
                         std::uint64_t second) {
        return progress_line({1, status, text, first, second, {}});
    };
    CHECK(line(Status::progress, "resizing", 6, 24) ==
          "[######------------------]  25 %  resizing");
    CHECK(line(Status::progress, "", 30, 24) == "[########################] 100 %  ");
    CHECK(line(Status::progress, "rows\n", 7, 0) == "7 done  rows\\n");
    CHECK(line(Status::progress, std::string(100, 'x'), 0, 0) == std::string(48, 'x'));
    CHECK(line(Status::retrying, "no disk", 2, 99) ==
          "attempt 2 failed, it will be tried again: no disk");
}

}  // TEST_SUITE("call")
