// What only happens on a terminal.
#include "ipc/message_queue.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/intake.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>

TEST_SUITE("terminal") {

using namespace myq;
using namespace myq::test;

namespace {

class Terminal {
public:
    Terminal() {
        master_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(master_ >= 0);
        REQUIRE(unlockpt(master_) == 0);
        slave_ = ioctl(master_, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(slave_ >= 0);
        const winsize size{25, 50, 0, 0};
        ioctl(slave_, TIOCSWINSZ, &size);
    }
    ~Terminal() {
        close(master_);
        close(slave_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    int fd() const { return slave_; }

    // Reads what is shown until it holds `wanted`.
    const std::string& shows(const std::string& wanted) {
        while (shown_.find(wanted) == std::string::npos)
            read_some();
        return shown_;
    }

    bool has(const std::string& wanted) {
        pollfd fd{master_, POLLIN, 0};
        while (poll(&fd, 1, 0) > 0)
            read_some();
        return shown_.find(wanted) != std::string::npos;
    }

private:
    void read_some() {
        std::array<char, 4096> buffer{};
        const ssize_t count = read(master_, buffer.data(), buffer.size());
        REQUIRE(count > 0);
        shown_.append(buffer.data(), static_cast<std::size_t>(count));
    }

    int master_ = -1;
    int slave_ = -1;
    std::string shown_;
};

std::vector<std::string> send(const MessageQueue& queue, std::initializer_list<std::string> more) {
    std::vector<std::string> all = {"send", "--id", std::to_string(queue.id()), "--type", "1"};
    all.insert(all.end(), more);
    return all;
}

}  // namespace

TEST_CASE("On a terminal a missing body is a usage error, and '-' asks for it") {
    const ScratchQueue queue;
    Terminal terminal;
    check_myq(send(queue, {}), 64, "",
              "myq: no body: nothing is piped in: give it as an argument, with --file, or type it "
              "after '-'\n",
              {.in = terminal.fd()});
    CHECK(queue.stat().messages == 0);
    ClientProcess typed(send(queue, {"-"}), {.in = terminal.fd()});
    CHECK(blocks_in(typed.pid(), SYS_read));
}

TEST_CASE("A long send shows count and rate on a terminal, and nothing elsewhere") {
    const ScratchQueue queue;
    Terminal terminal;
    ClientProcess quiet(send(queue, {"--lines"}), {.pipe_input = true});
    ClientProcess shown(send(queue, {"--lines"}), {.pipe_input = true, .err = terminal.fd()});
    const auto exchange = [&](const ClientProcess& sender) {
        sender.feed("line\n");
        REQUIRE(queue.receive(10, Selector::any(), Wait::yes));
    };
    std::uint64_t sent = 0;
    for (; !terminal.has("/s"); ++sent) {
        exchange(quiet);
        exchange(shown);
    }
    quiet.end_input();
    CHECK(quiet.wait().err.empty());
    shown.end_input();
    CHECK(shown.wait().status == 0);
    const std::string& text = terminal.shows("/s)");
    CHECK(text.find("\r\x1b[K") != std::string::npos);
    CHECK(text.find(" messages  ") != std::string::npos);
    CHECK(text.find(std::to_string(sent) + " messages sent in ") != std::string::npos);
    CHECK(text.find('%') == std::string::npos);
}

TEST_CASE("A send that waits says why, and how far it is in a file") {
    const ScratchQueue queue;
    queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 3});
    Terminal terminal;
    ClientProcess sender(send(queue, {"--lines"}), {.input = "a\nb\nc\nd\n", .err = terminal.fd()});
    terminal.shows("[##################------]  75 %  3 messages");
    terminal.shows("queue full (3 of 3 bytes, 3 messages)");
    REQUIRE(queue.receive(10, Selector::any(), Wait::no));
    CHECK(sender.wait().status == 0);
    terminal.shows("\r\x1b[K4 messages sent in ");
}

TEST_CASE("A send that waits for the daemon's word says so") {
    const ScratchQueue queue;
    Terminal terminal;
    ClientProcess sender(send(queue, {"--confirm", "hello"}), {.err = terminal.fd()});
    terminal.shows("0 messages  0/s  waiting for the daemon to confirm...");
    Intake::answer(Intake(queue).take());
    CHECK(sender.wait().status == 0);
    terminal.shows("\r\x1b[K1 message confirmed in ");
}

TEST_CASE("On a terminal recv ends each message with a line feed") {
    const ScratchQueue queue;
    REQUIRE(queue.send(1, bytes("hello")) == SendStatus::sent);
    Terminal terminal;
    CHECK(test::myq({"recv", "--id", std::to_string(queue.id())}, {.out = terminal.fd()}).status ==
          0);
    CHECK(terminal.shows("\n") == "hello\r\n");
}

TEST_CASE("On a terminal peek cuts bodies to its width") {
    const ScratchQueue queue;
    REQUIRE(queue.send(1, bytes(std::string(23, 'x'))) == SendStatus::sent);
    REQUIRE(queue.send(1, bytes(std::string(24, 'y'))) == SendStatus::sent);
    Terminal terminal;
    CHECK(test::myq({"peek", "--id", std::to_string(queue.id())}, {.out = terminal.fd()}).status ==
          0);
    const std::string& shown = terminal.shows("...");
    CHECK(shown.find("      23  " + std::string(23, 'x') + "\r\n") != std::string::npos);
    CHECK(shown.find("      24  " + std::string(20, 'y') + "...") != std::string::npos);
}

TEST_CASE("A call shows on a terminal how far its handler is, and takes that away at the end") {
    const ScratchQueue queue;
    Terminal terminal;
    ClientProcess caller({"call", "--id", std::to_string(queue.id()), "--type", "1", "hello"},
                         {.err = terminal.fd()});
    const Asked asked = Intake(queue).take();
    Intake::reply(asked, {1, Reply::Status::progress, "half", 1, 2, {}});
    terminal.shows("[############------------]  50 %  half");
    Intake::reply(asked, {1, Reply::Status::done, {}, 0, 5, bytes("reply")});
    CHECK(caller.wait().out == "reply");
    CHECK(terminal.has("half\r\x1b[K"));
}

}  // TEST_SUITE("terminal")
