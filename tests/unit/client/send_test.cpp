#include "ipc/message_queue.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <string>

TEST_SUITE("send") {

using namespace myq;
using namespace myq::test;

namespace {

// A queue that myq names by --id, and how.
struct Target {
    Target() = default;
    explicit Target(std::uint64_t capacity) {
        queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = capacity});
    }

    std::vector<std::string> args(std::initializer_list<std::string> more) const {
        std::vector<std::string> all = {"send", "--id", std::to_string(queue.id()), "--type", "1"};
        all.insert(all.end(), more);
        return all;
    }

    std::string name() const { return "queue with id " + std::to_string(queue.id()); }

    std::string take() const {
        const auto message = queue.receive(10'000, Selector::any(), Wait::no);
        return message ? text(message->body) : "nothing";
    }

    ScratchQueue queue;
};

}  // namespace

TEST_CASE("The body comes from the argument, a file or standard input, as it is") {
    const Target target;
    const TempDir dir;
    const std::string every_byte = [] {
        std::string all;
        for (int byte = 0; byte < 256; ++byte)
            all += static_cast<char>(byte);
        return all;
    }();
    const std::string file = dir.path() / "body";
    write_file(file, every_byte + "\n\n");

    check_myq(target.args({"hello"}), 0, "", "");
    CHECK(target.take() == "hello");
    check_myq(target.args({""}), 0, "", "");
    CHECK(target.take().empty());
    check_myq(target.args({"--file", file}), 0, "", "");
    CHECK(target.take() == every_byte + "\n\n");
    check_myq(target.args({}), 0, "", "", {.input = every_byte});
    CHECK(target.take() == every_byte);
    check_myq(target.args({"-"}), 0, "", "", {.input = "line\n"});
    CHECK(target.take() == "line\n");
    check_myq(target.args({"--file", "-"}), 0, "", "", {.input = "line\n"});
    CHECK(target.take() == "line\n");
    check_myq(target.args({}), 0, "", "");
    CHECK(target.take().empty());
}

TEST_CASE("A body that arrives in pieces is one body") {
    const Target target;
    ClientProcess sender(target.args({}), {.pipe_input = true});
    sender.feed("one ");
    REQUIRE(blocks_in(sender.pid(), SYS_read));
    sender.feed("two");
    sender.end_input();
    CHECK(sender.wait().status == 0);
    CHECK(target.take() == "one two");
}

TEST_CASE("The largest body is sent and one byte more is refused with the limit, wherever it comes "
          "from") {
    const Target target;
    const std::string largest(largest_body(), 'x');
    check_myq(target.args({largest}), 0, "", "");
    check_myq(target.args({}), 0, "", "", {.input = largest});
    CHECK(target.take() == largest);
    CHECK(target.take() == largest);

    check_myq(target.args({largest + "x"}), 65, "",
              "myq: the body: longer than kernel.msgmax, 8192 bytes: send less at once, or raise "
              "it: sysctl -w kernel.msgmax=N, or if a myqd reads this queue, use --blob\n");
    check_myq(target.args({}), 65, "",
              "myq: standard input: longer than kernel.msgmax, 8192 bytes: send less at once, or "
              "raise it: sysctl -w kernel.msgmax=N, or if a myqd reads this queue, use --blob\n",
              {.input = largest + "x"});
    CHECK(target.queue.stat().messages == 0);
}

TEST_CASE("Input that cannot be read is status 66") {
    const Target target;
    check_myq(target.args({"--file", "/nowhere"}), 66, "",
              "myq: '/nowhere': cannot be read: No such file or directory\n");
    check_myq(target.args({"--file", "/"}), 66, "", "myq: '/': cannot be read: Is a directory\n");
    const int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check_myq(target.args({}), 66, "", "myq: standard input: cannot be read: Is a directory\n",
              {.in = directory});
    close(directory);
    CHECK(target.queue.stat().messages == 0);
}

TEST_CASE("With --nowait a full queue is status 75 and its fill, also for who may only write") {
    const Target target(10);
    target.queue.set({.uid = {}, .gid = {}, .mode = 0602, .capacity = {}});
    check_myq(target.args({"--nowait", "0123456789"}), 0, "", "", {.nobody = true});
    check_myq(target.args({"--nowait", "x"}), 75, "",
              "myq: " + target.name() +
                  ": queue full (10 of 10 bytes, 1 message): try again later, or wait with "
                  "--timeout\n",
              {.nobody = true});
}

TEST_CASE("Without --nowait myq waits for room") {
    const Target target(10);
    check_myq(target.args({"0123456789"}), 0, "", "");
    ClientProcess sender(target.args({"later"}));
    REQUIRE(blocks_in(sender.pid(), SYS_msgsnd));
    CHECK(target.take() == "0123456789");
    CHECK(sender.wait().status == 0);
    CHECK(target.take() == "later");
}

TEST_CASE("With --timeout the wait has an end") {
    const Target target(10);
    check_myq(target.args({"--timeout", "1s", "0123456789"}), 0, "", "");
    for (const char* timeout : {"0s", "30ms"}) {
        check_myq(target.args({"--timeout", timeout, "x"}), 75, "",
                  "myq: " + target.name() +
                      ": queue full (10 of 10 bytes, 1 message): nothing was taken from it for " +
                      timeout + ": is its reader running?\n");
    }
    ClientProcess sender(target.args({"--timeout", "100d", "later"}));
    REQUIRE(blocks_in(sender.pid(), SYS_msgsnd));
    CHECK(target.take() == "0123456789");
    CHECK(sender.wait().status == 0);
}

TEST_CASE("A body that never fits is refused instead of waiting for ever") {
    const Target target(10);
    check_myq(target.args({"01234567890"}), 65, "",
              "myq: " + target.name() +
                  ": a body of 11 bytes never fits into a queue of 10: send less, or raise the "
                  "capacity: myq set --id " +
                  std::to_string(target.queue.id()) + " --capacity N\n");
}

TEST_CASE("A queue that is removed while send waits is status 69") {
    const Target target(1);
    check_myq(target.args({"x"}), 0, "", "");
    ClientProcess sender(target.args({"y"}));
    REQUIRE(blocks_in(sender.pid(), SYS_msgsnd));
    target.queue.remove();
    const Outcome outcome = sender.wait();
    CHECK(outcome.status == 69);
    CHECK(outcome.err == "myq: msgsnd " + target.name() +
                             ": the queue was removed: open it again once it was made anew\n");
}

TEST_CASE("A signal ends the wait as a signal does, and nothing is sent") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        const Target target(1);
        check_myq(target.args({"x"}), 0, "", "");
        ClientProcess sender(target.args({"y"}));
        REQUIRE(blocks_in(sender.pid(), SYS_msgsnd));
        sender.signal(signal);
        CHECK(sender.wait().status == -signal);
        CHECK(target.take() == "x");
        CHECK(target.take() == "nothing");
    }
}

}  // TEST_SUITE("send")
