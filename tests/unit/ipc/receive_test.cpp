#include "ipc/message_queue.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <sys/msg.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

TEST_SUITE("receive") {

using namespace myq;
using namespace myq::test;

namespace {

void send_types(const MessageQueue& queue, std::initializer_list<std::int64_t> types) {
    for (const std::int64_t type : types) {
        REQUIRE(queue.send(type, bytes(std::to_string(type)), Wait::no) == SendStatus::sent);
    }
}

// Every message that `selector` takes, in the order of taking.
std::vector<std::int64_t> take_all(const MessageQueue& queue, Selector selector) {
    std::vector<std::int64_t> types;
    while (const auto message = queue.receive(64, selector, Wait::no)) {
        types.push_back(message->type);
    }
    return types;
}

using Types = std::vector<std::int64_t>;

struct Buffer {
    std::int64_t type = 0;
    char body[16] = {};
};

}  // namespace

TEST_CASE("Each selector takes its messages and leaves the others") {
    const ScratchQueue queue;
    send_types(queue, {5, 2, 9, 2, 12});
    CHECK(take_all(queue, Selector::only(2)) == Types{2, 2});
    CHECK(take_all(queue, Selector::any()) == Types{5, 9, 12});

    send_types(queue, {5, 2, 9, 2, 12});
    CHECK(take_all(queue, Selector::up_to(9)) == Types{2, 2, 5, 9});
    CHECK(take_all(queue, Selector::any()) == Types{12});

    send_types(queue, {5, 2, 9, 2, 12});
    CHECK(take_all(queue, Selector::except(2)) == Types{5, 9, 12});
    CHECK(take_all(queue, Selector::any()) == Types{2, 2});
}

TEST_CASE("A selector knows its name") {
    CHECK(Selector::any().text() == "any");
    CHECK(Selector::only(7).text() == "7");
    CHECK(Selector::up_to(10).text() == "up to 10");
    CHECK(Selector::except(7).text() == "except 7");
}

TEST_CASE("Selectors reach the largest type") {
    const std::int64_t largest = std::numeric_limits<std::int64_t>::max();
    const ScratchQueue queue;
    send_types(queue, {largest, 1});
    CHECK(take_all(queue, Selector::except(1)) == Types{largest});
    send_types(queue, {largest});
    CHECK(take_all(queue, Selector::up_to(largest)) == Types{1, largest});
}

TEST_CASE("The worker's receive reports what became of it") {
    const ScratchQueue queue;
    Buffer buffer;
    const auto receive = [&](Truncate truncate) {
        return queue.receive(&buffer, sizeof buffer.body, Selector::any(), Wait::no, truncate);
    };

    CHECK(receive(Truncate::no).status == ReceiveStatus::empty);

    REQUIRE(queue.send(3, bytes("sixteen bytes!!!")) == SendStatus::sent);
    const ReceiveResult whole = receive(Truncate::no);
    CHECK(whole.status == ReceiveStatus::received);
    CHECK(whole.size == 16);
    CHECK(buffer.type == 3);
    CHECK(std::string(buffer.body, 16) == "sixteen bytes!!!");

    REQUIRE(queue.send(4, bytes("seventeen bytes!!")) == SendStatus::sent);
    const ReceiveResult too_big = receive(Truncate::no);
    CHECK(too_big.status == ReceiveStatus::too_big);
    CHECK(queue.receive_error(too_big).error() == E2BIG);
    CHECK(queue.stat().messages == 1);
    CHECK(receive(Truncate::yes).size == 16);
    CHECK(queue.stat().messages == 0);

    const ReceiveResult lost =
        queue.receive(nullptr, std::size_t{1} << 63, Selector::any(), Wait::no);
    CHECK(lost.status == ReceiveStatus::failed);
    CHECK(queue.receive_error(lost).error() == EINVAL);

    queue.remove();
    const ReceiveResult removed = receive(Truncate::no);
    CHECK(removed.status == ReceiveStatus::removed);
    CHECK(std::string(queue.receive_error(removed).what()) ==
          "msgrcv " + queue.name() + ": " + explain(IpcCall::msgrcv, EIDRM));
}

TEST_CASE("A cut message says that it was cut, and one that just fits does not") {
    const ScratchQueue queue;
    for (const auto& [body, cut] : {std::pair{"12345", true}, {"1234", false}, {"", false}}) {
        REQUIRE(queue.send(1, bytes(body)) == SendStatus::sent);
        const auto message = queue.receive(4, Selector::any(), Wait::no, Truncate::yes);
        REQUIRE(message);
        CHECK(text(message->body) == std::string(body).substr(0, 4));
        CHECK(message->truncated == cut);
    }
}

TEST_CASE("A message that is too long stays unless it may be cut") {
    const ScratchQueue queue;
    REQUIRE(queue.send(1, bytes("12345")) == SendStatus::sent);
    CHECK_THROWS_WITH_AS(queue.receive(4, Selector::any(), Wait::no),
                         doctest::Contains("longer than the buffer and stays where it is"),
                         IpcError);
    CHECK(text(queue.receive(5, Selector::any(), Wait::no)->body) == "12345");
}

TEST_CASE("A queue removed under a waiting receiver is a status, and an error for others") {
    const ScratchQueue queue;
    const pid_t worker = fork_child([&]() noexcept {
        Buffer buffer;
        const ReceiveResult result =
            queue.receive(&buffer, sizeof buffer.body, Selector::any(), Wait::yes);
        return result.status == ReceiveStatus::removed && result.error == EIDRM ? 0 : 1;
    });
    const pid_t reader = fork_child([&] {
        try {
            queue.receive(8, Selector::any(), Wait::yes);
        } catch (const IpcError& e) {
            return e.error() == EIDRM ? 0 : 2;
        }
        return 1;
    });
    REQUIRE(blocks_in(worker, SYS_msgrcv));
    REQUIRE(blocks_in(reader, SYS_msgrcv));
    const pid_t remover = fork_child([&] {
        queue.remove();
        return 0;
    });
    CHECK(wait_for(remover) == 0);
    CHECK(wait_for(worker) == 0);
    CHECK(wait_for(reader) == 0);
}

TEST_CASE("A signal while waiting for a message is a status") {
    const ScratchQueue queue;
    const pid_t worker = fork_child([&] {
        std::signal(SIGUSR1, [](int) {});  // SA_RESTART, which msgrcv disregards
        Buffer buffer;
        const auto result = queue.receive(&buffer, sizeof buffer.body, Selector::any(), Wait::yes);
        return result.status == ReceiveStatus::interrupted ? 0 : 1;
    });
    REQUIRE(blocks_in(worker, SYS_msgrcv));
    kill(worker, SIGUSR1);
    CHECK(wait_for(worker) == 0);
}

TEST_CASE("Peeking copies, oldest first, and leaves everything where it is") {
    const ScratchQueue queue;
    CHECK(!queue.peek(0));
    send_types(queue, {5, 2, 9});
    REQUIRE(queue.send(1, {}) == SendStatus::sent);
    CHECK(queue.peek(0)->type == 5);
    CHECK(text(queue.peek(2)->body) == "9");
    CHECK(queue.peek(3)->body.empty());
    CHECK(!queue.peek(4));
    CHECK(queue.stat().messages == 4);

    queue.remove();
    CHECK_THROWS_WITH_AS(queue.peek(0), doctest::Contains("the queue was removed"), IpcError);
}

TEST_CASE("A message longer than today's msgmax cannot be peeked at, and is told so") {
    const ScratchQueue queue;
    REQUIRE(queue.send(1, bytes(std::string(5000, 'x'))) == SendStatus::sent);
    std::ofstream("/proc/sys/kernel/msgmax") << "4096\n";
    REQUIRE(largest_body() == 4096);
    CHECK_THROWS_WITH_AS(queue.peek(0),
                         doctest::Contains("message 0 is longer than kernel.msgmax, 4096, and "
                                           "cannot be copied"),
                         IpcError);
    CHECK(queue.receive(5000, Selector::any(), Wait::no)->body.size() == 5000);
}

}  // TEST_SUITE("receive")
