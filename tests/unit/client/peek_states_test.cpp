// peek of a queue with a name: the kernel's messages and the journal's.
#include "client/moment.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/journaled.hpp"
#include "tests/unit/client/shown.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

TEST_SUITE("peek_states") {

using namespace myq;
using namespace myq::test;
using nlohmann::ordered_json;

namespace {

const QueueKey jobs = QueueKey::from_text("0x6d797101");

// One message in each state: r ready, l delayed, x dead, w running.
void fill(const Journaled& journal) {
    journal.insert("jobs", message(7, "w"));
    journal.with([](Journal& open) {
        open.transact(Survives::kill, [&] {
            REQUIRE(open.claim(open.queue_number("jobs"), Selector::any(), 42, now_ms(), 1,
                               [](const DueMessage&) {}) == 1);
        });
    });
    journal.insert("jobs", message(7, "r"));
    NewMessage later = message(1, "l");
    later.due_ms = now_ms() + 3'600'000;
    later.attempts = 2;
    journal.insert("jobs", later);
    journal.insert("jobs", dead(7, "x", "why"));
    journal.insert("mails", message(5, "other"));
}

std::string bodies(std::vector<std::string> args) {
    args.insert(args.begin(), {"peek", "--json"});
    const Outcome outcome = test::myq(args);
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    std::string found;
    for (std::size_t at = 0; at < outcome.out.size();) {
        const std::size_t end = outcome.out.find('\n', at);
        found += ordered_json::parse(outcome.out.substr(at, end - at))["body"];
        at = end + 1;
    }
    return found;
}

std::string sorted(std::string text) {
    std::sort(text.begin(), text.end());
    return text;
}

}  // namespace

TEST_CASE("peek by name shows the kernel queue, and then every state of the journal") {
    const Journaled journal;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    fill(journal);
    REQUIRE(queue.send(7, bytes("k")) == SendStatus::sent);
    const Outcome outcome = test::myq({"peek", "jobs"});
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    const std::string out = shown(outcome.out);
    CHECK(out.starts_with("INDEX TYPE SIZE BODY\n 0 7 1 k\n\n"
                          "NUMBER STATE TYPE AGE ATTEMPTS DUE SIZE BODY\n"));
    for (const char* line : {" 1 running resize N 0 - 1 w\n", " 2 waiting resize N 0 now 1 r\n",
                             " 3 delayed note N 2 in N 1 l\n", " 4 dead resize N 0 - 1 x\n"}) {
        CAPTURE(out);
        CAPTURE(line);
        CHECK(out.find(line) != std::string::npos);
    }
    CHECK(out.find("other") == std::string::npos);
}

TEST_CASE("peek takes the states, the type and the number that are wanted") {
    const Journaled journal;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    fill(journal);
    REQUIRE(queue.send(7, bytes("k")) == SendStatus::sent);
    REQUIRE(queue.send(1, bytes("K")) == SendStatus::sent);
    CHECK(sorted(bodies({"jobs"})) == "Kklrwx");
    CHECK(bodies({"jobs", "--state", "waiting"}) == "kKr");
    CHECK(bodies({"jobs", "--state", "delayed"}) == "l");
    CHECK(bodies({"--state", "running", "jobs"}) == "w");
    CHECK(bodies({"jobs", "--state", "dead"}) == "x");
    CHECK(sorted(bodies({"jobs", "--state", "dead", "--state", "delayed"})) == "lx");
    CHECK(sorted(bodies({"jobs/resize"})) == "krwx");
    CHECK(sorted(bodies({"jobs", "--type", "note"})) == "Kl");
    CHECK(bodies({"jobs", "--count", "1"}).size() == 2);
    check_myq({"peek", "mails", "--state", "dead"}, 0, "mails: no message is in that state\n", "");
}

TEST_CASE("peek --json has the members of dead list for what the journal holds") {
    const Journaled journal;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    fill(journal);
    const Outcome outcome = test::myq({"peek", "jobs/note", "--json"});
    const ordered_json json = ordered_json::parse(outcome.out);
    CHECK(json["state"] == "delayed");
    CHECK(json["queue"] == "jobs");
    CHECK(json["type"] == 1);
    CHECK(json["attempts"] == 2);
    CHECK(json["due_ms"] > now_ms());
    CHECK(json["id"].is_null());
}

TEST_CASE("peek of a queue that is not there shows its journal, if it has one") {
    const Journaled journal;
    const Outcome nothing = test::myq({"peek", "jobs"});
    CHECK(nothing.status == 69);
    CHECK(nothing.err.starts_with("myq: jobs: there is no queue with key 0x6d797101: "));
    fill(journal);
    CHECK(sorted(bodies({"jobs"})) == "lrwx");
    CHECK(bodies({"jobs", "--state", "dead"}) == "x");
}

TEST_CASE("Who may not read the journal sees the kernel queue, and is told") {
    const Journaled journal;
    const ScratchQueue queue(MessageQueue::create(jobs, 0666));
    fill(journal);
    REQUIRE(queue.send(7, bytes("k")) == SendStatus::sent);
    const std::string reason = "myq: " + journal.directory().string() +
                               ": the journal is not open to you: run it as root or as user myq";
    check_myq({"peek", "jobs"}, 0,
              "INDEX        TYPE    SIZE  BODY\n    0           7       1  k\n",
              reason + ": only the kernel queue is shown\n", {.nobody = true});
    check_myq({"peek", "jobs", "--state", "dead"}, 77, "", reason + "\n", {.nobody = true});
}

TEST_CASE("States are for queues with a name, and there are four") {
    const Journaled journal;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    fill(journal);
    REQUIRE(queue.send(7, bytes("k")) == SendStatus::sent);
    CHECK(bodies({"--key", "0x6d797101"}) == "k");
    check_myq({"peek", "--key", "0x6d797101", "--state", "dead"}, 64, "",
              "myq: --state: queue 0x6d797101: only a queue that is named by the config has "
              "states: give its name\n");
    check_myq({"peek", "jobs", "--state", "lost"}, 64, "",
              "myq: --state 'lost': there is none such: use waiting, delayed, running or dead\n");
}

}  // TEST_SUITE("peek_states")
