// The plugin forward between two queues of the real daemon.
#include "ipc/blob.hpp"
#include "ipc/envelope.hpp"
#include "ipc/message_queue.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <set>
#include <span>
#include <string>

TEST_SUITE("forward") {

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

TEST_CASE("forward: a body of some megabytes goes on through shared memory, in an envelope only") {
    const auto target = make_target();
    const DaemonProcess daemon(
        {{"forward"},
         "handlers:\n"
         "  - {type: 1, plugin: forward, options: {key: 0x6d797122, envelope: true, type: 9}}\n"
         "  - {type: 2, plugin: forward, options: {key: 0x6d797122}}\n",
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    const std::string body(4'000'000, 'x');
    write_file("/mnt/body", body);
    REQUIRE(daemon.myq({"send", "jobs/1", "--file", "/mnt/body"}).exit_code == 0);
    std::string message;
    REQUIRE(eventually([&] { return !(message = next(target)).empty(); }));
    Envelope envelope;
    REQUIRE(decode_envelope(std::as_bytes(std::span(message)), envelope) == EnvelopeError::none);
    CHECK(envelope.id.is_set());
    REQUIRE(envelope.blob);
    std::optional<IncomingBlob> blob;
    REQUIRE(IncomingBlob::open(*envelope.blob, 950, blob) == BlobError::none);
    std::string copy(blob->size(), ' ');
    CHECK(blob->copy(std::as_writable_bytes(std::span(copy))));
    CHECK(copy == body);
    blob->remove();
    // Any other reader knows nothing of shared memory.
    REQUIRE(daemon.myq({"send", "jobs/2", "--file", "/mnt/body"}).exit_code == 0);
    CHECK(daemon.logged("is dead: plugin forward rejects it: msgsnd queue 0x6d797122: "));
    blob.reset();
    CHECK(eventually([] { return SharedMemory::list().empty(); }));
    target.remove();
}

}  // TEST_SUITE("forward")
