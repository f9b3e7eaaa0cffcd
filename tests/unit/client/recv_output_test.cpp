// What recv does with a message that it cannot write.
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
#include <vector>

TEST_SUITE("recv_output") {

using namespace myq;
using namespace myq::test;

namespace {

struct Source {
    explicit Source(mode_t mode = 0600) : queue(mode) {}

    void send(std::string_view body) const {
        REQUIRE(queue.send(7, bytes(body), Wait::no) == SendStatus::sent);
    }

    std::vector<std::string> recv(std::initializer_list<std::string> more = {}) const {
        std::vector<std::string> all = {"recv", "--id", std::to_string(queue.id())};
        all.insert(all.end(), more);
        return all;
    }

    std::string take() const {
        const auto message = queue.receive(10'000, Selector::any(), Wait::no);
        return message ? std::to_string(message->type) + " " + text(message->body) : "nothing";
    }

    ScratchQueue queue;
    std::string name = "queue with id " + std::to_string(queue.id());
};

int full_disk() {
    return open("/dev/full", O_WRONLY | O_CLOEXEC);
}

}  // namespace

TEST_CASE("An output that cannot be written from the start costs no message") {
    const Source source;
    source.send("precious");
    check_myq(source.recv(), 71, "",
              "myq: standard output: cannot be written: Bad file descriptor: no message was taken "
              "for it\n",
              {.no_output = true});
    const int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(test::myq(source.recv(), {.out = read_only}).status == 71);
    close(read_only);
    CHECK(source.queue.stat().messages == 1);
    CHECK(source.queue.stat().last_receive_pid == 0);

    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    close(ends[0]);
    check_myq(source.recv(), 71, "",
              "myq: standard output: cannot be written: Broken pipe: no message was taken for it\n",
              {.out = ends[1]});
    close(ends[1]);
    CHECK(source.queue.stat().last_receive_pid == 0);
}

TEST_CASE("On a full disk the message goes back into the queue") {
    const Source source;
    source.send("precious");
    const int full = full_disk();
    check_myq(source.recv(), 71, "",
              "myq: " + source.name +
                  ": a message of type 7, 8 bytes, was taken but not written: No space left on "
                  "device: it was put back, behind the others\n",
              {.out = full});
    close(full);
    CHECK(source.take() == "7 precious");
}

TEST_CASE("When the reader of the pipe leaves, the message goes back into the queue") {
    const Source source;
    ClientProcess receiver(source.recv({"--follow"}));
    source.send("first");
    REQUIRE(receiver.prints("first\n"));
    REQUIRE(blocks_in(receiver.pid(), SYS_msgrcv));
    receiver.close_output();
    source.send("second");
    const Outcome outcome = receiver.wait();
    CHECK(outcome.status == 71);
    CHECK(outcome.err.find("was taken but not written: Broken pipe: it was put back") !=
          std::string::npos);
    CHECK(source.take() == "7 second");
}

TEST_CASE("A signal while the output is stuck puts the message back and ends it") {
    const Source source;
    const std::string body(4095, 'x');  // with its line feed, a page: a pipe takes it whole or not
    ClientProcess receiver(source.recv({"--follow"}));
    // 16 fill the pipe, one is stuck on its way there, two stay behind.
    constexpr std::size_t count = 19;
    for (std::size_t i = 0; i < count; ++i) {
        REQUIRE(source.queue.send(7, bytes(body)) == SendStatus::sent);
    }
    REQUIRE(blocks_in(receiver.pid(), SYS_write));
    const std::uint64_t waiting = source.queue.stat().messages;
    receiver.signal(SIGTERM);
    await_end(receiver.pid());  // before wait() empties the pipe
    const Outcome outcome = receiver.wait();
    CHECK(outcome.status == -SIGTERM);
    CHECK(outcome.err.find("was taken but not written: Interrupted system call: it was put back") !=
          std::string::npos);
    CHECK(source.queue.stat().messages == waiting + 1);
    CHECK(outcome.out.size() / (body.size() + 1) + waiting + 1 == count);
}

TEST_CASE("A message that cannot be put back either is at least shown") {
    const Source source(0604);  // others may read, not write
    source.send("precious\n");
    const int full = full_disk();
    check_myq(source.recv(), 71, "",
              "myq: " + source.name +
                  ": a message of type 7, 9 bytes, was taken but not written: No space left on "
                  "device: it could not be put back, no permission to send; the queue's mode must "
                  "grant write to this user or one of its groups, see ipcs -q; here it is: "
                  "{\"type\":7,\"size\":9,\"body\":\"precious\\n\"}\n",
              {.out = full, .nobody = true});
    close(full);
}

}  // TEST_SUITE("recv_output")
