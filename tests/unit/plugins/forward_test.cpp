#include "ipc/envelope.hpp"
#include "ipc/message_queue.hpp"
#include "tests/support/bytes.hpp"
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

TEST_SUITE("forward") {

using namespace myq;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797121");
const Answer done{MYQ_DONE, ""};

OptionMap with(OptionMap more) {
    more.insert(more.begin(), {"key", {key.text()}});
    return more;
}

std::optional<Message> next(const MessageQueue& queue) {
    return queue.receive(largest_body(), Selector::any(), Wait::no);
}

// Two bodies of 8000 bytes and a small rest.
void fill(const MessageQueue& queue) {
    const std::string body(8000, 'x');
    while (queue.send(1, test::bytes(body), Wait::no) == SendStatus::sent) {
    }
}

}  // namespace

TEST_CASE("forward: the bytes, with their own type or another") {
    const auto queue = MessageQueue::create(key, 0600);
    StartedPlugin same("forward", with({}));
    StartedPlugin other("forward", with({{"type", {"9223372036854775807"}}}));
    const std::string body("a\0\xff", 3);
    CHECK(same.handle(body, {.type = 5, .id = "00112233445566778899aabbccddeeff"}) == done);
    CHECK(other.handle("", {.type = 5}) == done);
    const auto first = next(queue);
    CHECK(first->type == 5);
    CHECK(test::text(first->body) == body);
    const auto second = next(queue);
    CHECK(second->type == 9223372036854775807);
    CHECK(second->body.empty());
}

TEST_CASE("forward: nothing is put where a stranger would read it") {
    REQUIRE(::seteuid(65534) == 0);
    const auto queue = MessageQueue::create(key, 0666);
    REQUIRE(::seteuid(0) == 0);
    StartedPlugin forward("forward", with({}));
    const Answer answer = forward.handle("secret");
    CHECK(answer.verdict == MYQ_RETRY);
    CHECK_MESSAGE(answer.reason.find("queue 0x6d797121: was made by uid 65534") == 0,
                  answer.reason);
    CHECK(!next(queue));
    StartedPlugin trusting("forward", with({{"creators", {"nobody"}}}));
    CHECK(trusting.handle("body") == done);
    CHECK(next(queue));
}

TEST_CASE("forward: in an envelope the id goes along, whatever the bytes are") {
    const auto queue = MessageQueue::create(key, 0600);
    StartedPlugin forward("forward", with({{"envelope", {"true"}}}));
    const std::string id = "00112233445566778899aabbccddeeff";
    CHECK(forward.handle("body", {.id = id}) == done);
    const auto sent = next(queue);
    Envelope envelope;
    REQUIRE(decode_envelope(sent->body, envelope) == EnvelopeError::none);
    CHECK(envelope.id.text() == id);
    CHECK(test::text(envelope.body) == "body");
    // One within another is a body like any.
    CHECK(forward.handle(test::text(sent->body)) == done);
    const auto nested = next(queue);
    REQUIRE(decode_envelope(nested->body, envelope) == EnvelopeError::none);
    CHECK_FALSE(envelope.id.is_set());
    CHECK(test::text(envelope.body) == test::text(sent->body));
}

TEST_CASE("forward: a key of ftok is looked up each time, since the file may be another") {
    const TempDir dir;
    const std::string file = dir / "file";
    std::ofstream(file) << "";
    const auto ours = QueueKey::from_path(file, "A");
    const auto queue = MessageQueue::create(ours, 0600);
    StartedPlugin forward("forward", {{"path", {file}}, {"project", {"A"}}});
    CHECK(forward.handle("one") == done);
    CHECK(test::text(next(queue)->body) == "one");
    std::filesystem::remove(file);
    const Answer gone = forward.handle("two");
    CHECK(gone.verdict == MYQ_RETRY);
    CHECK(gone.reason.starts_with("option 'path' makes no key: "));
    queue.remove();
}

TEST_CASE("forward: a queue that is not there is never made, and found when somebody makes it") {
    StartedPlugin forward("forward", with({}));
    const Answer missing = forward.handle("one");
    CHECK(missing.verdict == MYQ_RETRY);
    CHECK(missing.reason.starts_with("msgget queue 0x6d797121: there is no queue with this key"));
    CHECK_FALSE(MessageQueue::exists(key));
    const auto first = MessageQueue::create(key, 0600);
    CHECK(forward.handle("one") == done);
    first.remove();
    CHECK(forward.handle("two").verdict == MYQ_RETRY);
    const auto second = MessageQueue::create(key, 0600);
    CHECK(forward.handle("two") == done);
    CHECK(test::text(next(second)->body) == "two");
}

TEST_CASE("forward: a full queue is waited for as long as is said, and not beyond the timeout") {
    const auto queue = MessageQueue::create(key, 0600);
    fill(queue);
    const std::string body(8000, 'y');
    using Clock = std::chrono::steady_clock;
    const Answer full{MYQ_RETRY, "queue 0x6d797121 is full"};
    const auto begun = Clock::now();
    CHECK(StartedPlugin("forward", with({{"wait", {"150ms"}}})).handle(body) == full);
    CHECK(Clock::now() - begun >= std::chrono::milliseconds{150});
    CHECK(StartedPlugin("forward", with({{"wait", {"0s"}}})).handle(body) == full);
    // An hour of patience, but a message that has 200 ms.
    StartedPlugin patient("forward", with({{"wait", {"1h"}}}));
    CHECK(patient.handle(body, {.timeout_ms = 200}) == full);
    REQUIRE(next(queue).has_value());
    CHECK(patient.handle(body) == done);
}

TEST_CASE("forward: what could never go in is rejected") {
    const auto queue = MessageQueue::create(key, 0600);
    StartedPlugin forward("forward", with({{"wait", {"0s"}}}));
    const Answer too_long = forward.handle(std::string(largest_body() + 1, 'x'));
    CHECK(too_long.verdict == MYQ_REJECT);
    CHECK(too_long.reason.starts_with("msgsnd queue 0x6d797121: "));
    queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 100});
    CHECK(forward.handle(std::string(101, 'x')) ==
          Answer{MYQ_REJECT, "queue 0x6d797121 holds at most 100 bytes, and this would be 101"});
    CHECK(forward.handle(std::string(100, 'x')) == done);
    CHECK(forward.handle(std::string(100, 'x')).verdict == MYQ_RETRY);
}

TEST_CASE("forward: options that cannot work are refused with the reason") {
    CHECK(refusal("forward", with({{"type", {"1"}}, {"wait", {"0s"}}, {"envelope", {"true"}}})) ==
          "");
    CHECK(refusal("forward", {{"path", {"/usr"}}, {"project", {"x"}}}) == "");

    CHECK(refusal("forward", {}) == "option 'key' is missing; or write path and project");
    CHECK(refusal("forward", {{"key", {"jobs"}}}).starts_with("option 'key' "));
    CHECK(refusal("forward", {{"key", {"0"}}}).starts_with("option 'key' "));
    CHECK(refusal("forward", with({{"path", {"/usr"}}})) ==
          "option 'key' and 'path' exclude each other");
    CHECK(refusal("forward", {{"path", {"/usr"}}}) ==
          "option 'path' and 'project' need each other");
    CHECK(refusal("forward", {{"path", {"/no/thing"}}, {"project", {"x"}}})
              .starts_with("option 'path' makes no key: "));
    CHECK(refusal("forward", {{"path", {"/usr"}}, {"project", {"xy"}}})
              .starts_with("option 'path' makes no key: "));
    for (const char* type : {"0", "-1", "any", "1x", ""})
        CHECK(refusal("forward", with({{"type", {type}}})) ==
              "option 'type' must be a number from 1, or same");
    CHECK(refusal("forward", with({{"wait", {"25h"}}})) == "option 'wait' must be 0s to 24h");
}

}  // TEST_SUITE("forward")
