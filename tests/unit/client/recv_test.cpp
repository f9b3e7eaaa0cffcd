#include "ipc/message_queue.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <sys/syscall.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

TEST_SUITE("recv") {

using namespace myq;
using namespace myq::test;

namespace {

struct Source {
    void send(std::int64_t type, std::string_view body) const {
        REQUIRE(queue.send(type, bytes(body), Wait::no) == SendStatus::sent);
    }

    std::vector<std::string> recv(std::initializer_list<std::string> more = {}) const {
        std::vector<std::string> all = {"recv", "--id", std::to_string(queue.id())};
        all.insert(all.end(), more);
        return all;
    }

    std::uint64_t left() const { return queue.stat().messages; }

    ScratchQueue queue;
    std::string name = "queue with id " + std::to_string(queue.id());
};

}  // namespace

TEST_CASE("One message comes out as it went in, without a byte more") {
    const Source source;
    for (const std::string& body :
         {std::string("hello"), std::string(), std::string("a\0\xff\n", 4),
          std::string(largest_body(), 'x')}) {
        source.send(1, body);
        check_myq(source.recv(), 0, body, "");
    }
    CHECK(source.left() == 0);
}

TEST_CASE("Several messages are a line each") {
    const Source source;
    for (const char* body : {"one", "", "three", "four"})
        source.send(1, body);
    check_myq(source.recv({"--count", "3"}), 0, "one\n\nthree\n", "");
    CHECK(source.left() == 1);
}

TEST_CASE("myq waits for a message") {
    const Source source;
    ClientProcess receiver(source.recv());
    REQUIRE(blocks_in(receiver.pid(), SYS_msgrcv));
    source.send(1, "late");
    const Outcome outcome = receiver.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "late");
}

TEST_CASE("With --nowait and --timeout an empty queue is status 75") {
    const Source source;
    check_myq(source.recv({"--nowait"}), 75, "",
              "myq: " + source.name +
                  ": no message is waiting: try again later, or wait without --nowait\n");
    for (const char* timeout : {"0s", "20ms"}) {
        check_myq(source.recv({"--timeout", timeout}), 75, "",
                  "myq: " + source.name + ": no message came in " + timeout +
                      ": try again later\n");
    }
    source.send(1, "one");
    check_myq(source.recv({"--timeout", "20ms", "--count", "2"}), 75, "one\n",
              "myq: " + source.name +
                  ": no message came in 20ms: try again later (1 message "
                  "received)\n");
    check_myq(source.recv({"--nowait", "--type", "except:4"}), 75, "",
              "myq: " + source.name +
                  ": no message of type except 4 is waiting: try again later, "
                  "or wait without --nowait\n");
}

TEST_CASE("--type selects as msgrcv does") {
    const Source source;
    const auto fill = [&] {
        while (source.left() > 0)
            source.queue.receive(8, Selector::any(), Wait::no);
        for (const int type : {5, 2, 9, 2})
            source.send(type, std::to_string(type));
    };
    struct Row {
        const char* type;
        const char* out;
    };
    for (const Row& row : {Row{"any", "5\n2\n9\n2\n"}, Row{"2", "2\n2\n"},
                           Row{"up-to:8", "2\n2\n5\n"}, Row{"except:2", "5\n9\n"}}) {
        fill();
        CAPTURE(row.type);
        CHECK(test::myq(source.recv({"--type", row.type, "--count", "4", "--nowait"})).out ==
              row.out);
    }
    check_myq(source.recv({"--type", "up-to:0"}), 65, "",
              "myq: type 0: not positive: use 1 to 9223372036854775807\n");
    check_myq(source.recv({"--type", "0"}), 65, "", "myq: type 0: every type is 'any' here\n");
    check_myq(source.recv({"--type", "-7"}), 65, "",
              "myq: type -7: the lowest type up to 7 is 'up-to:7' here\n");
    check_myq(source.recv({"--type", "below:3"}), 64, "",
              "myq: type 'below:3': not a number: use 1 to 9223372036854775807\n");
}

TEST_CASE("A type behind the name of the queue selects too") {
    const TestConfig config;
    const ScratchQueue jobs(MessageQueue::create(QueueKey::from_text("0x6d797101"), 0620));
    for (const int type : {1, 7}) {
        REQUIRE(jobs.send(type, bytes(std::to_string(type))) == SendStatus::sent);
    }
    check_myq({"recv", "jobs/resize"}, 0, "7", "");
    check_myq({"recv", "jobs", "--type", "up-to:note"}, 0, "1", "");
}

TEST_CASE("--max-size leaves a longer message and --truncate cuts it and says so") {
    const Source source;
    source.send(3, "12345");
    check_myq(source.recv({"--max-size", "4"}), 65, "",
              "myq: " + source.name +
                  ": the next message is longer than 4 bytes and stays where it is: raise "
                  "--max-size, or have it cut with --truncate\n");
    CHECK(source.left() == 1);
    check_myq(source.recv({"--max-size", "4", "--truncate"}), 0, "1234",
              "myq: " + source.name + ": a message of type 3 was cut to 4 bytes\n");
    source.send(3, "1234");
    check_myq(source.recv({"--max-size", "4", "--truncate"}), 0, "1234", "");
    source.send(3, "1234");
    check_myq(source.recv({"--max-size", "64GiB"}), 0, "1234", "");
}

TEST_CASE("A message from before kernel.msgmax was lowered is received whole") {
    const Source source;
    const std::string body(5000, 'x');
    source.send(1, body);
    std::ofstream("/proc/sys/kernel/msgmax") << "1024\n";
    check_myq(source.recv(), 0, body, "");
}

TEST_CASE("--json is an object a line, with the body as text where it is text") {
    const Source source;
    source.send(7, "hell\xc3\xb6\n\"");
    source.send(9223372036854775807, std::string("\xff\0", 2));
    source.send(1, "");
    source.send(1, "a\xff");
    source.send(1, "abc\xff");
    check_myq(source.recv({"--json"}), 0,
              "{\"type\":7,\"size\":8,\"body\":\"hell\xc3\xb6\\n\\\"\",\"truncated\":false}\n", "");
    check_myq(source.recv({"--json", "--count", "4", "--max-size", "3", "--truncate"}), 0,
              "{\"type\":9223372036854775807,\"size\":2,\"body_base64\":\"/wA=\",\"truncated\":"
              "false}\n"
              "{\"type\":1,\"size\":0,\"body\":\"\",\"truncated\":false}\n"
              "{\"type\":1,\"size\":2,\"body_base64\":\"Yf8=\",\"truncated\":false}\n"
              "{\"type\":1,\"size\":3,\"body\":\"abc\",\"truncated\":true}\n",
              "");
    source.send(1, "ab\xff");
    source.send(1, "\xff");
    CHECK(test::myq(source.recv({"--json"})).out.find("\"YWL/\"") != std::string::npos);
    CHECK(test::myq(source.recv({"--json"})).out.find("\"/w==\"") != std::string::npos);
}

TEST_CASE("--follow goes on until a signal, and dies of it") {
    const Source source;
    ClientProcess receiver(source.recv({"--follow"}));
    source.send(1, "one");
    CHECK(receiver.prints("one\n"));
    source.send(1, "two");
    CHECK(receiver.prints("two\n"));
    REQUIRE(blocks_in(receiver.pid(), SYS_msgrcv));
    receiver.signal(SIGINT);
    const Outcome outcome = receiver.wait();
    CHECK(outcome.status == -SIGINT);
    CHECK(outcome.err.empty());
}

TEST_CASE("Under nohup a hangup does not end it") {
    const Source source;
    ClientProcess receiver(source.recv({}), {.ignore_hangup = true});
    REQUIRE(blocks_in(receiver.pid(), SYS_msgrcv));
    receiver.signal(SIGHUP);
    source.send(1, "still here");
    const Outcome outcome = receiver.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "still here");
}

TEST_CASE("A queue that is removed while recv waits is status 69") {
    const Source source;
    ClientProcess receiver(source.recv({"--follow"}));
    REQUIRE(blocks_in(receiver.pid(), SYS_msgrcv));
    source.queue.remove();
    const Outcome outcome = receiver.wait();
    CHECK(outcome.status == 69);
    CHECK(outcome.err == "myq: msgrcv " + source.name +
                             ": the queue was removed: open it again once it was made anew\n");
}

}  // TEST_SUITE("recv")
