// A daemon for unit tests: holds one plugin in the test's own process, hands it messages, and keeps
// what it says. For doctest, GoogleTest or nothing; under valgrind and sanitizers too, since the
// body is an allocation of exactly its size, and nothing that is handed out outlives its call. Link
// myq::testhost.
//
//     #include <myq/testhost.hpp>
//
//     TEST_CASE("an empty body is refused") {
//         myq::TestHost host("build/greet.so", {{"greeting", {"good morning"}}});
//         CHECK(host.handle("").verdict == MYQ_REJECT);
//         CHECK(host.handle("Ada").verdict == MYQ_DONE);
//         CHECK(host.logged("good morning, Ada"));
//     }
//
// What it is not: there is no worker process. A crash ends the test, a timeout is only told to the
// plugin, and nobody gives up rights. `myq plugin try` is for that.
#pragma once

#include <myq/handler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

// The plugin cannot be loaded, is refused, or does not start. what() says why as the daemon would.
class TestHostError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// One option of the handler, as in `options:` of the configuration. Always with a list of values,
// of one for most: {"greeting", {"good morning"}}.
struct TestOption {
    std::string name;
    std::vector<std::string> values;
};

// A message with everything that may be said of one. handle() takes the body alone, too.
struct TestMessage {
    std::string body{};
    std::int64_t type = 1;
    std::string type_name{};  // as `name:` in the configuration
    std::string queue = "test";
    std::uint32_t attempt = 1;
    std::chrono::milliseconds timeout{0};  // 0: no limit
    std::string id{};                      // 32 hex digits, "" for none
    bool wants_reply = false;
};

// One line that the plugin logged.
struct TestLogLine {
    Level level;
    std::string text;
};

// One progress() of the plugin.
struct TestProgress {
    std::uint64_t done, total;
    std::string text;
    bool operator==(const TestProgress&) const = default;
};

// One handler, started as in a worker: the plugin is described, its options are judged by its
// schema and its check(), and then it is started. All in the constructor, which throws
// TestHostError. The destructor stops it; the code stays loaded, as in a worker.
//
// One thread; several hosts may live at once.
class TestHost {
public:
    using Entry = const myq_plugin* (*)(const myq_host*);

    // A plugin that is linked into the test: TestHost(myq_plugin_entry).
    explicit TestHost(Entry entry, std::vector<TestOption> options = {});

    // A plugin as it will be dropped in: the path of its .so.
    explicit TestHost(const std::filesystem::path& file, std::vector<TestOption> options = {});

    ~TestHost();
    TestHost(const TestHost&) = delete;
    TestHost& operator=(const TestHost&) = delete;

    // Hands it one message. A verdict that is none counts as MYQ_REJECT, as in the daemon. Throws
    // TestHostError if the handler wrote into the body, which would have ended its worker.
    Outcome handle(const TestMessage& message);
    Outcome handle(std::string_view body) { return handle(TestMessage{.body = std::string(body)}); }

    // Hands it many messages as a worker does that finds them all: in calls of as many as it takes,
    // in order, and one that is left over, or comes where it takes one, by handle(). The outcome of
    // each; touches() and the like are of the last call.
    std::vector<Outcome> handle_many(const std::vector<TestMessage>& messages);
    // How many it takes in one call; 1 where it has no handle_many().
    std::size_t most_at_once() const;

    // What the plugin says of itself.
    const myq_plugin& plugin() const;

    // What was logged since the start or the last clear_log(), and whether one line has this text
    // in it.
    const std::vector<TestLogLine>& log() const;
    bool logged(std::string_view text) const;
    void clear_log();

    // What should_stop() answers from now on: false at first.
    void ask_to_stop(bool wanted = true);

    // Each touch() of the last message, in order: how much more time it asked for.
    const std::vector<std::chrono::milliseconds>& touches() const;

    // What the sender of the last message would get: all that was replied if the message wanted a
    // reply and was done or rejected, "" else and where it is more than the megabyte that a worker
    // keeps.
    const std::string& reply() const;
    // Each progress() of the last message, if it wanted a reply; of many at once a daemon would
    // tell few.
    const std::vector<TestProgress>& progress() const;

    // What is wrong with these options in the eyes of the plugin, a sentence each, as `myqd -t`
    // would say it; empty if they are right. Starts nothing.
    static std::vector<std::string> problems(Entry entry, const std::vector<TestOption>& options);
    static std::vector<std::string> problems(const std::filesystem::path& file,
                                             const std::vector<TestOption>& options);

private:
    struct Impl;
    void call_many(const std::vector<TestMessage>& messages, std::size_t begin, std::size_t end,
                   std::vector<Outcome>& outcomes);
    std::unique_ptr<Impl> impl_;
};

}  // namespace myq
