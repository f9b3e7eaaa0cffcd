#include "ipc/message_queue.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <sys/syscall.h>

#include <csignal>
#include <string>
#include <vector>

TEST_SUITE("lines") {

using namespace myq;
using namespace myq::test;

namespace {

std::vector<std::string> send_lines(const MessageQueue& queue,
                                    std::initializer_list<std::string> more = {}) {
    std::vector<std::string> all = {"send",   "--id", std::to_string(queue.id()),
                                    "--type", "1",    "--lines"};
    all.insert(all.end(), more);
    return all;
}

std::vector<std::string> take_all(const MessageQueue& queue) {
    std::vector<std::string> bodies;
    while (const auto message = queue.receive(10'000, Selector::any(), Wait::no)) {
        bodies.push_back(text(message->body));
    }
    return bodies;
}

using Bodies = std::vector<std::string>;

}  // namespace

TEST_CASE("Every line is a message, empty ones and an unended last one too") {
    const ScratchQueue queue;
    struct Row {
        std::string input;
        Bodies bodies;
    };
    for (const Row& row : {Row{"", {}}, Row{"\n", {""}}, Row{"a", {"a"}}, Row{"a\n", {"a"}},
                           Row{"a\n\nb\r\n", {"a", "", "b\r"}}, Row{"a\nb", {"a", "b"}},
                           Row{std::string("a\0b\nc\n", 6), {std::string("a\0b", 3), "c"}}}) {
        CAPTURE(row.input);
        check_myq(send_lines(queue), 0, "", "", {.input = row.input});
        CHECK(take_all(queue) == row.bodies);
    }
}

TEST_CASE("Lines come from a file too") {
    const ScratchQueue queue;
    const TempDir dir;
    const std::string file = dir.path() / "lines";
    write_file(file, "one\ntwo\n");
    check_myq(send_lines(queue, {"--file", file}), 0, "", "");
    CHECK(take_all(queue) == Bodies{"one", "two"});
}

TEST_CASE("Lines are sent as they come, not at the end of the input") {
    const ScratchQueue queue;
    ClientProcess sender(send_lines(queue), {.pipe_input = true});
    sender.feed("one\ntw");
    CHECK(text(queue.receive(10, Selector::any(), Wait::yes)->body) == "one");
    sender.feed("o\n");
    CHECK(text(queue.receive(10, Selector::any(), Wait::yes)->body) == "two");
    sender.end_input();
    CHECK(sender.wait().status == 0);
}

TEST_CASE("Many lines arrive complete and in order through a small queue") {
    constexpr int count = 50'000;
    const ScratchQueue queue;
    std::string input;
    for (int i = 0; i < count; ++i)
        input += std::to_string(i) + "\n";
    ClientProcess sender(send_lines(queue), {.input = input});
    for (int i = 0; i < count; ++i) {
        const auto message = queue.receive(10, Selector::any(), Wait::yes);
        if (text(message->body) != std::to_string(i))
            FAIL("message ", i, " is ", text(message->body));
    }
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK(take_all(queue).empty());
}

TEST_CASE(
    "A line of the largest size is sent, a longer one ends it with its number and the count") {
    const ScratchQueue queue;
    const std::string largest(largest_body(), 'x');
    check_myq(send_lines(queue), 0, "", "", {.input = largest + "\n"});
    CHECK(take_all(queue) == Bodies{largest});
    for (const char* ending : {"", "\n", "\nafter\n"}) {
        check_myq(send_lines(queue), 65, "",
                  "myq: standard input, line 3: longer than kernel.msgmax, 8192 bytes: send less "
                  "at once, or raise it: sysctl -w kernel.msgmax=N, or if a myqd reads this "
                  "queue, use --blob (2 messages sent)\n",
                  {.input = "one\ntwo\n" + largest + "x" + ending});
        CHECK(take_all(queue) == Bodies{"one", "two"});
    }
}

TEST_CASE("Whatever ends it early, myq says how many messages are sent") {
    const ScratchQueue queue;
    queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 3});
    const std::string name = "queue with id " + std::to_string(queue.id());

    check_myq(send_lines(queue, {"--nowait"}), 75, "",
              "myq: " + name +
                  ": queue full (3 of 3 bytes, 3 messages): try again later, or wait with "
                  "--timeout (3 messages sent)\n",
              {.input = "a\nb\nc\nd\n"});
    CHECK(take_all(queue).size() == 3);

    check_myq(send_lines(queue, {"--timeout", "20ms"}), 75, "",
              "myq: " + name +
                  ": queue full (2 of 3 bytes, 1 message): nothing was taken from it for 20ms: is "
                  "its reader running? (1 message sent)\n",
              {.input = "ab\ncd\n"});
    CHECK(take_all(queue).size() == 1);

    ClientProcess interrupted(send_lines(queue), {.input = "a\nb\nc\nd\n"});
    REQUIRE(blocks_in(interrupted.pid(), SYS_msgsnd));
    interrupted.signal(SIGINT);
    const Outcome outcome = interrupted.wait();
    CHECK(outcome.status == -SIGINT);
    CHECK(outcome.err == "myq: interrupted: 3 messages sent\n");
    take_all(queue);

    ClientProcess reading(send_lines(queue), {.pipe_input = true});
    reading.feed("a\n");
    REQUIRE(queue.receive(10, Selector::any(), Wait::yes));
    REQUIRE(blocks_in(reading.pid(), SYS_read));
    reading.signal(SIGTERM);
    CHECK(reading.wait().err == "myq: interrupted: 1 message sent\n");

    ClientProcess removed(send_lines(queue), {.input = "a\nb\nc\nd\n"});
    REQUIRE(blocks_in(removed.pid(), SYS_msgsnd));
    queue.remove();
    CHECK(removed.wait().err == "myq: msgsnd " + name +
                                    ": the queue was removed: open it again once it was made anew "
                                    "(3 messages sent)\n");
}

}  // TEST_SUITE("lines")
