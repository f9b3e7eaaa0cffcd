#include "daemon/confirmations.hpp"
#include "ipc/reply_queue.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

TEST_SUITE("confirmations") {

using namespace myq;
using namespace myq::test;

namespace {

ConfirmAddress address(const ReplyQueue& queue, std::uint64_t sequence) {
    return {queue.id(), queue.token(), sequence};
}

// The runs of the next answer; none when there is no answer.
std::vector<ConfirmRun> next_runs(const ReplyQueue& queue) {
    const std::optional<Message> answer = queue.receive(Wait::no);
    if (!answer) return {};
    const auto runs = decode_confirm(answer->body);
    REQUIRE(runs);
    return *runs;
}

// A reply queue whose maker, an ordinary user, has ended without removing it.
int left_behind() {
    Lines lines;
    REQUIRE(as_nobody([&] {
                auto* queue = new ReplyQueue(0);
                lines.say(std::to_string(queue->id()));
                return 0;  // _exit(): no destructor
            }) == 0);
    return std::stoi(lines.wait_for(""));
}

bool exists(int queue_id) {
    for (const QueueStat& queue : MessageQueue::list()) {
        if (queue.id == queue_id) return true;
    }
    return false;
}

}  // namespace

TEST_CASE(
    "what follows on each other and ended alike is one run, and each sender gets one answer") {
    const ReplyQueue one(::geteuid());
    const ReplyQueue two(::geteuid());
    Confirmations confirmations;
    for (std::uint64_t i = 0; i < 500; ++i) {
        confirmations.add(address(one, 100 + i), ConfirmStatus::accepted);
        confirmations.add(address(two, 7 + i), ConfirmStatus::accepted);
    }
    confirmations.add(address(one, 600), ConfirmStatus::duplicate);
    confirmations.add(address(one, 601), ConfirmStatus::accepted);
    confirmations.add(address(one, 700), ConfirmStatus::accepted);  // a gap
    CHECK(next_runs(one).empty());
    confirmations.send();
    using Runs = std::vector<ConfirmRun>;
    CHECK(next_runs(one) == Runs{{100, 500, ConfirmStatus::accepted},
                                 {600, 1, ConfirmStatus::duplicate},
                                 {601, 1, ConfirmStatus::accepted},
                                 {700, 1, ConfirmStatus::accepted}});
    CHECK(next_runs(two) == Runs{{7, 500, ConfirmStatus::accepted}});
    CHECK(next_runs(one).empty());
    CHECK(next_runs(two).empty());

    // What was told is told once.
    confirmations.send();
    CHECK(next_runs(one).empty());
    confirmations.add(address(one, 701), ConfirmStatus::full);
    confirmations.send();
    CHECK(next_runs(one) == Runs{{701, 1, ConfirmStatus::full}});
}

TEST_CASE("numbers that come in another order are all told") {
    const ReplyQueue queue(::geteuid());
    Confirmations confirmations;
    for (const std::uint64_t sequence : {5U, 4U, 6U, 6U})
        confirmations.add(address(queue, sequence), ConfirmStatus::accepted);
    confirmations.send();
    std::vector<int> told(10);
    for (const ConfirmRun& run : next_runs(queue)) {
        for (std::uint32_t i = 0; i < run.count; ++i)
            ++told.at(run.first + i);
    }
    CHECK(told == std::vector<int>{0, 0, 0, 0, 1, 1, 2, 0, 0, 0});
}

TEST_CASE("an answer fits the smallest reply queue, however many runs there are") {
    const ReplyQueue queue(::geteuid());
    Confirmations confirmations;
    for (std::uint64_t i = 0; i < 500; ++i)
        confirmations.add(address(queue, 2 * i), ConfirmStatus::accepted);
    confirmations.send();
    std::uint64_t told = 0;
    for (auto answer = queue.receive(Wait::no); answer; answer = queue.receive(Wait::no)) {
        CHECK(answer->body.size() <= 8'192);
        const auto runs = decode_confirm(answer->body);
        REQUIRE(runs);
        for (const ConfirmRun& run : *runs)
            CHECK(run.first == 2 * told++);
    }
    CHECK(told == 500);
}

TEST_CASE("two tokens on one queue are two senders") {
    const ReplyQueue queue(::geteuid());
    Confirmations confirmations;
    confirmations.add(address(queue, 1), ConfirmStatus::accepted);
    confirmations.add({queue.id(), queue.token() == 1 ? 2 : 1, 2}, ConfirmStatus::accepted);
    confirmations.send();
    CHECK(next_runs(queue) == std::vector<ConfirmRun>{{1, 1, ConfirmStatus::accepted}});
    CHECK(next_runs(queue).empty());  // the other one is nothing to this sender
}

TEST_CASE("who is gone, does not read or is not what it should be keeps nobody else waiting") {
    const ReplyQueue good(::geteuid());
    const ReplyQueue full(::geteuid());
    const ScratchQueue open(0622);  // others may write there: not a private one
    int gone = -1;
    {
        const ReplyQueue queue(::geteuid());
        gone = queue.id();
    }
    const MessageQueue filled = MessageQueue::from_id(full.id());
    while (filled.send(1, std::as_bytes(std::span("padding")), Wait::no) == SendStatus::sent) {
    }
    Confirmations confirmations;
    confirmations.add({gone, 5, 1}, ConfirmStatus::accepted);
    confirmations.add(address(full, 1), ConfirmStatus::accepted);
    confirmations.add({open.id(), 5, 1}, ConfirmStatus::accepted);
    confirmations.add({-1, 5, 1}, ConfirmStatus::accepted);
    confirmations.add(address(good, 1), ConfirmStatus::accepted);
    confirmations.send();
    CHECK(next_runs(good) == std::vector<ConfirmRun>{{1, 1, ConfirmStatus::accepted}});
    CHECK(open.stat().messages == 0);
    // Nor is it told later.
    while (filled.receive(100, Selector::any(), Wait::no)) {
    }
    confirmations.send();
    CHECK(filled.stat().messages == 0);
}

TEST_CASE("who answers also clears away the queues of senders that died, now and then") {
    const ReplyQueue alive(::geteuid());
    const int dead = left_behind();
    REQUIRE(exists(dead));
    Confirmations confirmations;
    confirmations.send();  // nobody asked, so nobody makes such queues
    CHECK(exists(dead));
    confirmations.add(address(alive, 1), ConfirmStatus::accepted);
    confirmations.send();
    CHECK(!exists(dead));
    CHECK(exists(alive.id()));
    // Not after every message: it looks at every queue of the machine.
    const int another = left_behind();
    confirmations.add(address(alive, 2), ConfirmStatus::accepted);
    confirmations.send();
    CHECK(exists(another));
    MessageQueue::from_id(another).remove();
}

}  // TEST_SUITE("confirmations")
