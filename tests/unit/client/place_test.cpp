#include "ipc/message_queue.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

TEST_SUITE("place") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey jobs = QueueKey::from_text("0x6d797101");
const QueueKey mails = QueueKey::from_text("0x6d797102");

// The type of the only message in the queue, which is taken.
std::int64_t sent_type(const MessageQueue& queue) {
    const auto message = queue.receive(100, Selector::any(), Wait::no);
    return message ? message->type : -1;
}

}  // namespace

TEST_CASE("A type is named by number, by handler, or by being the only one") {
    const TestConfig config;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    const ScratchQueue other(MessageQueue::create(mails, 0620));
    struct Row {
        std::vector<std::string> args;
        std::int64_t type;
    };
    const std::string id = std::to_string(queue.id());
    for (const Row& row :
         {Row{{"jobs/7", "x"}, 7}, Row{{"jobs/resize", "x"}, 7},
          Row{{"jobs", "--type", "7", "x"}, 7}, Row{{"jobs", "x", "--type=note"}, 1},
          Row{{"jobs/9223372036854775807", "x"}, INT64_MAX},
          Row{{"--key", "0x6d797101", "--type", "3", "x"}, 3},
          Row{{"--key", "1836675329", "--type", "3", "--", "-x"}, 3},
          Row{{"--id", id, "--type", "4", "x"}, 4}}) {
        CAPTURE(row.args[0]);
        std::vector<std::string> args = row.args;
        args.insert(args.begin(), "send");
        check_myq(args, 0, "", "");
        CHECK(sent_type(queue) == row.type);
    }
    check_myq({"send", "mails", "x"}, 0, "", "");
    CHECK(sent_type(other) == 5);
}

TEST_CASE("What names no queue or no type says what there is") {
    const TestConfig config;
    const std::string file = config.file();
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    struct Row {
        std::vector<std::string> args;
        int status;
        std::string err;
    };
    for (const Row& row : {
             Row{{"send", "jobs", "x"},
                 64,
                 "jobs: which type? it has 1 (note), 7 (resize): write "
                 "jobs/TYPE, or add --type"},
             Row{{"send", "jobs/resise", "x"},
                 64,
                 "jobs: no type is called 'resise': it has 1 (note), 7 (resize)"},
             Row{{"send", "jobs/", "x"},
                 64,
                 "'jobs/': nothing behind the '/': name a type, such as jobs/7"},
             Row{{"send", "jobs/7", "--type", "8", "x"},
                 64,
                 "jobs: the type is named twice: leave it out behind the '/', or --type"},
             Row{{"send", "job/7", "x"},
                 64,
                 "'job': no queue of this name in " + file + ": did you mean 'jobs'?"},
             Row{{"send", "x\x1b[1m/7", "x"},
                 64,
                 "'x\\x1b[1m': no queue of this name in " + file +
                     ": it has jobs, mails; any other queue is named by --key or --id"},
             Row{{"send", "--key", "0x6d797101", "x"},
                 64,
                 "queue 0x6d797101: no type is named: add --type N"},
             Row{{"send", "--key", "0x6d797101", "--type", "note", "x"},
                 64,
                 "type 'note': not a number: use 1 to 9223372036854775807"},
             Row{{"send", "--key", "jobs", "x"},
                 64,
                 "key 'jobs': not a number: write it in decimal, 0x hexadecimal or 0 octal"},
             Row{{"send", "--key", "1", "jobs", "x"},
                 64,
                 "'jobs': the queue is named twice: leave it out, or --key and --id"},
             Row{{"stat"},
                 64,
                 "no queue is named: which one is meant? Give its name in the "
                 "config, --key or --id"},
             Row{{"stat", "jobs/7"},
                 64,
                 "'jobs/7': this is about a whole queue: leave the type out"},
             Row{{"send", "jobs/0", "x"}, 65, "type 0: not positive: use 1 to 9223372036854775807"},
             Row{{"send", "jobs", "--type", "-3", "x"},
                 65,
                 "type -3: not positive: use 1 to 9223372036854775807"},
             Row{{"send", "jobs/9223372036854775808", "x"},
                 65,
                 "type 9223372036854775808: beyond 64 bits: use 1 to 9223372036854775807"},
             Row{{"send", "mails", "x"},
                 69,
                 "mails: there is no queue with key 0x6d797102: is the daemon running? Start it: "
                 "service myq start; or make the queue: myq create --key 0x6d797102"},
             Row{{"send", "--key", "7", "--type", "1", "x"},
                 69,
                 "queue 0x00000007: there is no queue with key 0x00000007: start the program that "
                 "makes it, or make it: myq create --key 0x00000007"},
             Row{{"stat", "--id", "12345"},
                 69,
                 "queue with id 12345: there is none: see which there are with myq list"},
         }) {
        check_myq(row.args, row.status, "", "myq: " + row.err + "\n");
    }
    CHECK(queue.stat().messages == 0);
    CHECK(!MessageQueue::exists(mails));
}

TEST_CASE("The config comes from --config, else from MYQ_CONFIG, else from /etc/myq/myq.yaml") {
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    std::string named;
    {
        const TestConfig config;
        named = "/run/named.yaml";
        std::filesystem::copy_file(config.file(), named);
        CHECK(test::myq({"stat", "jobs"}).status == 0);
        CHECK(test::myq({"-c", "/nowhere", "stat", "jobs"}).status == 78);
        CHECK(test::myq({"stat", "jobs", "--config", "/nowhere"}).status == 78);
    }
    CHECK(test::myq({"-c", named, "stat", "jobs"}).status == 0);
    CHECK(test::myq({"stat", "jobs", "--config", named}).status == 0);
    std::filesystem::remove_all("/etc/myq");
    check_myq({"stat", "jobs"}, 78, "",
              "myq: /etc/myq/myq.yaml: cannot be opened: No such file or directory\n");
    std::filesystem::create_directory("/etc/myq");
    std::filesystem::copy_file(named, "/etc/myq/myq.yaml");
    CHECK(test::myq({"stat", "jobs"}).status == 0);
}

TEST_CASE("Every mistake of a broken config is a line of its own") {
    const TestConfig config;
    write_file(config.file(), "queues:\n  - {name: jobs, kye: 1}\n");
    const Outcome outcome = test::myq({"send", "jobs/1", "x"});
    CHECK(outcome.status == 78);
    CHECK(outcome.err.starts_with("myq: "));
    CHECK(outcome.err.find("\nmyq: ") != std::string::npos);
    CHECK(outcome.err.find("kye") != std::string::npos);
}

TEST_CASE("A queue that is named by a number needs no config") {
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    const Setup broken{.env = {"MYQ_CONFIG=/nowhere"}};
    check_myq({"send", "--key", "0x6d797101", "--type", "1", "x"}, 0, "", "", broken);
    check_myq({"recv", "--key", "0x6d797101"}, 0, "x", "", broken);
}

}  // TEST_SUITE("place")
