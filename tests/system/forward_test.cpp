// The plugin forward between two queues of the real daemon.
#include "ipc/message_queue.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>
#include <string>

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey target_key = QueueKey::from_text("0x6d797122");

MessageQueue make_target() {
    auto queue = MessageQueue::create(target_key, 0600);
    queue.set({.uid = 950, .gid = {}, .mode = {}, .capacity = {}});  // the daemon's user
    return queue;
}

std::string next(const MessageQueue& queue) {
    const auto message = queue.receive(largest_body(), Selector::any(), myq::Wait::no);
    return message ? test::text(message->body) : "";
}

}  // namespace

TEST_CASE("forward: a target that is full, then removed, then there again gets every message") {
    auto target = make_target();
    const DaemonProcess daemon(
        {{"forward"},
         "receivers: 2\n"
         "retry: {attempts: 1000, delay: 20ms, max_delay: 100ms}\n"
         "handlers: [{type: any, plugin: forward, options: {key: 0x6d797122, wait: 10ms}}]\n",
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    constexpr int messages = 400;
    const std::string padding(100, ' ');  // 16384 bytes of capacity are fewer than all
    for (int i = 0; i < messages; ++i)
        daemon.send(1, std::to_string(i) + padding);
    CHECK(daemon.logged("failed: queue 0x6d797122 is full"));
    std::set<int> arrived;
    const auto take = [&] {
        for (std::string body = next(target); !body.empty(); body = next(target))
            arrived.insert(std::stoi(body));
    };
    take();
    // What waits in a queue goes with it, so it is emptied first, and closed to others.
    target.set({.uid = 0, .gid = {}, .mode = 0400, .capacity = {}});
    CHECK(daemon.logged("msgsnd queue 0x6d797122: no permission to send"));
    take();
    target.remove();
    CHECK(daemon.logged("msgget queue 0x6d797122: there is no queue with this key"));
    CHECK_FALSE(MessageQueue::exists(target_key));
    target = make_target();
    CHECK(eventually([&] {
        take();
        return arrived.size() == messages;
    }));
    CHECK(count(daemon.log(), "is dead") == 0);
}

TEST_CASE("forward: a wrong option is named with its line before anything starts") {
    const DaemonProcess daemon(
        {{"forward"}, "handlers: [{type: any, plugin: forward, options: {type: none}}]", {}});
    const Run check = daemon.myqd({"-t"});
    CHECK(check.exit_code == 78);
    CHECK(check.err.find("myq.yaml:8:") != std::string::npos);
    CHECK(
        check.err.find("options: plugin forward: option 'type' must be a number from 1, or same") !=
        std::string::npos);
}
