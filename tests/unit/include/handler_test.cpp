#include <myq/handler.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

TEST_SUITE("handler") {

extern "C" const myq_plugin* c_plugin(void);  // plugin_h.c

namespace {

std::vector<std::pair<int, std::string>> log_lines;
bool stopping = false;
std::int64_t touched_ms = 0;
std::string replied;
std::string told;

const myq_host host = {
    .size = sizeof(myq_host),
    .abi_major = MYQ_ABI_MAJOR,
    .abi_minor = MYQ_ABI_MINOR,
    .version = "test",
    .log = [](int level, const char* text,
              size_t size) { log_lines.emplace_back(level, std::string(text, size)); },
    .should_stop = [] { return stopping ? 1 : 0; },
    .touch = [](int64_t more_ms) { touched_ms = more_ms; },
    .reply =
        [](const void* data, size_t size) {
            replied.append(static_cast<const char*>(data), size);
            return replied.size() > 10 ? -1 : 0;
        },
    .progress =
        [](uint64_t done, uint64_t total, const char* text, size_t size) {
            told =
                std::to_string(done) + "/" + std::to_string(total) + " " + std::string(text, size);
        },
};

// Does as the body says.
struct Obedient : myq::Handler {
    static inline int alive = 0;
    explicit Obedient(const myq::Start& start) : Handler(start) {
        if (start.options.has("fail")) throw std::runtime_error(start.options.text("fail"));
        if (start.options.has("fail_oddly")) throw 1;
        ++alive;
    }
    ~Obedient() override { --alive; }
    myq::Outcome handle(const myq::Message& message) override {
        const std::string body(message.text());
        if (body == "throw") throw std::runtime_error("no disk");
        if (body == "throw int") throw 1;
        if (body == "retry") return myq::retry("later", std::chrono::seconds{2});
        if (body == "reject") return myq::reject("never");
        if (body == "reject long") return myq::reject(std::string(1000, 'x'));
        if (body == "log") log(myq::Level::warn, std::string("a\0b", 3));
        if (body == "reply") {
            const bool fits = reply("hello") && reply(message.body());
            progress(1, 3, fits ? "fits" : "too long");
        }
        if (body == "reply too long") progress(0, 0, reply(body) ? "fits" : "too long");
        if (body == "touch") touch(std::chrono::seconds{3});
        if (body == "stop?") return should_stop() ? myq::retry("stopping") : myq::done();
        return myq::done();
    }
};

const myq_plugin* obedient() {
    return myq::plugin<Obedient>({
        .name = "obedient",
        .version = "2.1",
        .types = {7, 9},
        .options = {{.name = "fail", .help = "why not to start"},
                    {.name = "fail_oddly",
                     .kind = MYQ_OPTION_BOOLEAN,
                     .required = true,
                     .default_value = "false"}},
        .check =
            [](const myq::Options& options) {
                if (options.has("bad")) throw std::invalid_argument("bad is bad");
            },
    });
}

struct Plain : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override { return myq::done(); }
};

// Gives each message the outcome that it names, until one says what else to do.
struct Group : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        if (message.text() == "throw") throw std::runtime_error("no disk");
        return message.text() == "done" ? myq::done() : myq::reject(std::string(message.text()));
    }
    std::size_t most_at_once() const override { return 5; }
    void handle_many(myq::Messages& messages) override {
        for (std::size_t i = 0; i < messages.size(); ++i) {
            if (messages[i].text() == "default") return Handler::handle_many(messages);
            if (messages[i].text() == "throw int") throw 1;
            if (messages[i].text() == "rest") messages.settle_rest(myq::done());
            if (messages[i].text() == "forget" || messages.is_settled(i)) continue;
            messages.settle(i, myq::retry("first", std::chrono::seconds{1}));
            messages.settle(i, handle(messages[i]));
        }
    }
};

// "0: 2:reason 1:other reason": verdicts and reasons.
std::string handle_many(const std::vector<std::string>& bodies) {
    const myq_plugin* plugin = myq::plugin<Group>({.name = "group", .version = "1"});
    std::array<char, 64> reason{};
    void* state = plugin->start(&host, nullptr, 0, reason.data(), reason.size());
    REQUIRE(state != nullptr);
    CHECK(plugin->most_at_once(state) == 5);
    std::vector<myq_message> messages(bodies.size());
    std::vector<myq_outcome> outcomes(bodies.size());
    std::vector<const myq_message*> message_list;
    std::vector<myq_outcome*> outcome_list;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        messages[i].size = sizeof messages[i];
        messages[i].body = bodies[i].data();
        messages[i].body_size = bodies[i].size();
        message_list.push_back(&messages[i]);
        outcome_list.push_back(&outcomes[i]);
    }
    plugin->handle_many(state, message_list.data(), outcome_list.data(), bodies.size());
    plugin->stop(state);
    std::string all;
    for (const myq_outcome& outcome : outcomes)
        all += std::to_string(outcome.verdict) + ':' + outcome.reason + ' ';
    return all;
}

using Reason = std::array<char, 64>;

void* start(const std::vector<myq_option>& options, Reason& reason) {
    return obedient()->start(&host, options.data(), options.size(), reason.data(), reason.size());
}

myq_outcome handle(const std::string& body) {
    Reason reason{};
    void* state = start({}, reason);
    REQUIRE(state != nullptr);
    myq_message message{};
    message.size = sizeof message;
    message.body = body.data();
    message.body_size = body.size();
    myq_outcome outcome{};
    outcome.size = sizeof outcome;
    obedient()->handle(state, &message, &outcome);
    obedient()->stop(state);
    return outcome;
}

}  // namespace

TEST_CASE("plugin<T>: the C description says what the author said") {
    const myq_plugin* plugin = obedient();
    CHECK(plugin->size == sizeof(myq_plugin));
    CHECK(plugin->abi_major == MYQ_ABI_MAJOR);
    CHECK(plugin->abi_minor == MYQ_ABI_MINOR);
    CHECK(std::string(plugin->name) == "obedient");
    CHECK(std::string(plugin->version) == "2.1");
    REQUIRE(plugin->type_count == 2);
    CHECK(plugin->types[0] == 7);
    CHECK(plugin->types[1] == 9);
    REQUIRE(plugin->option_count == 2);
    CHECK(std::string(plugin->options[0].name) == "fail");
    CHECK(plugin->options[0].kind == MYQ_OPTION_TEXT);
    CHECK(plugin->options[0].required == 0);
    CHECK(plugin->options[0].default_value == nullptr);
    CHECK(std::string(plugin->options[0].help) == "why not to start");
    CHECK(plugin->options[1].kind == MYQ_OPTION_BOOLEAN);
    CHECK(plugin->options[1].required == 1);
    CHECK(std::string(plugin->options[1].default_value) == "false");
}

TEST_CASE("plugin<T>: every call returns the same description, and each handler has its own") {
    CHECK(obedient() == obedient());
    const myq_plugin* plain = myq::plugin<Plain>({.name = "plain", .version = "1"});
    CHECK(plain != obedient());
    CHECK(std::string(plain->name) == "plain");
    CHECK(plain->type_count == 0);
    CHECK(plain->option_count == 0);
}

TEST_CASE("plugin<T>: the example in the header is a plugin") {
    CHECK(std::string(myq_plugin_entry(&host)->name) == "hello");
    CHECK(myq_plugin_entry(&host)->types[0] == 42);
}

TEST_CASE("check: what it throws is the refusal, without one every option will do") {
    Reason reason{};
    const myq_option bad{"bad", nullptr, 0};
    CHECK(obedient()->check(nullptr, 0, reason.data(), reason.size()) == 0);
    CHECK(obedient()->check(&bad, 1, reason.data(), reason.size()) != 0);
    CHECK(std::string(reason.data()) == "bad is bad");
    const myq_plugin* plain = myq::plugin<Plain>({.name = "plain", .version = "1"});
    CHECK(plain->check(&bad, 1, reason.data(), reason.size()) == 0);
}

TEST_CASE("start: a constructor that throws is a start that failed, with its reason") {
    const char* text = "no such table";
    Reason reason{};
    CHECK(start({{"fail", &text, 1}}, reason) == nullptr);
    CHECK(std::string(reason.data()) == "no such table");
    CHECK(start({{"fail_oddly", &text, 1}}, reason) == nullptr);
    CHECK(std::string(reason.data()) == "something was thrown that is no std::exception");
    CHECK(Obedient::alive == 0);
}

TEST_CASE("start: a reason longer than its room is cut and terminated") {
    const std::string text(200, 'x');
    const char* value = text.c_str();
    const myq_option option{"fail", &value, 1};
    std::array<char, 8> reason;
    reason.fill('?');
    CHECK(obedient()->start(&host, &option, 1, reason.data(), reason.size()) == nullptr);
    CHECK(std::string(reason.data()) == std::string(7, 'x'));
    CHECK(obedient()->start(&host, &option, 1, reason.data(), 0) == nullptr);  // nowhere to write
}

TEST_CASE("stop: ends what start made") {
    Reason reason{};
    void* first = start({}, reason);
    void* second = start({}, reason);
    CHECK(Obedient::alive == 2);
    obedient()->stop(first);
    obedient()->stop(second);
    CHECK(Obedient::alive == 0);
}

TEST_CASE("handle: the outcome goes over the line as it was returned") {
    CHECK(handle("anything").verdict == MYQ_DONE);
    CHECK(std::string(handle("anything").reason) == "");

    const myq_outcome later = handle("retry");
    CHECK(later.verdict == MYQ_RETRY);
    CHECK(later.delay_ms == 2000);
    CHECK(std::string(later.reason) == "later");

    const myq_outcome never = handle("reject");
    CHECK(never.verdict == MYQ_REJECT);
    CHECK(never.delay_ms == 0);
    CHECK(std::string(never.reason) == "never");
    CHECK(std::string(handle("reject long").reason) == std::string(255, 'x'));
}

TEST_CASE("handle: an exception is a retry with its text, and never leaves the plugin") {
    const myq_outcome thrown = handle("throw");
    CHECK(thrown.verdict == MYQ_RETRY);
    CHECK(std::string(thrown.reason) == "no disk");
    const myq_outcome odd = handle("throw int");
    CHECK(odd.verdict == MYQ_RETRY);
    CHECK(std::string(odd.reason) == "something was thrown that is no std::exception");
}

TEST_CASE("handler: log and should_stop reach the host") {
    log_lines.clear();
    handle("log");
    REQUIRE(log_lines.size() == 1);
    CHECK(log_lines[0].first == MYQ_WARN);
    CHECK(log_lines[0].second == std::string("a\0b", 3));

    CHECK(handle("stop?").verdict == MYQ_DONE);
    stopping = true;
    CHECK(handle("stop?").verdict == MYQ_RETRY);
    stopping = false;
}

TEST_CASE("handler: reply and progress reach the host, and a host of before has neither") {
    handle("reply");
    CHECK(std::exchange(replied, {}) == "helloreply");
    CHECK(std::exchange(told, {}) == "1/3 fits");
    handle("reply too long");
    CHECK(std::exchange(replied, {}) == "reply too long");
    CHECK(std::exchange(told, {}) == "0/0 too long");

    myq_host before = host;
    before.size = offsetof(myq_host, reply);
    const myq_plugin* plugin = obedient();
    Reason reason{};
    void* state = plugin->start(&before, nullptr, 0, reason.data(), reason.size());
    REQUIRE(state != nullptr);
    myq_message message{};
    message.size = offsetof(myq_message, wants_reply);
    message.wants_reply = 1;
    message.body = "reply";
    message.body_size = 5;
    myq_outcome outcome{};
    plugin->handle(state, &message, &outcome);
    plugin->stop(state);
    CHECK(outcome.verdict == MYQ_DONE);
    CHECK(replied == "");
    CHECK(told == "");
    CHECK_FALSE(myq::Message(message).wants_reply());
}

TEST_CASE("message: everything the daemon says of it can be read") {
    const std::string body("\0body", 5);
    const myq_message raw = {.size = sizeof(myq_message),
                             .type = INT64_MAX,
                             .type_name = "name",
                             .queue = "jobs",
                             .body = body.data(),
                             .body_size = body.size(),
                             .attempt = 3,
                             .timeout_ms = 1500,
                             .id = "00112233445566778899aabbccddeeff",
                             .wants_reply = 1};
    const myq::Message message(raw);
    CHECK(message.type() == INT64_MAX);
    CHECK(message.type_name() == "name");
    CHECK(message.queue() == "jobs");
    CHECK(message.id() == "00112233445566778899aabbccddeeff");
    CHECK(message.wants_reply());
    CHECK(message.text() == body);
    CHECK(message.body().size() == 5);
    CHECK(message.body()[1] == std::byte{'b'});
    CHECK(message.attempt() == 3);
    CHECK(message.timeout() == std::chrono::milliseconds{1500});

    const myq_message endless{};
    CHECK_FALSE(myq::Message(endless).timeout().has_value());
}

TEST_CASE("plugin.h: a plugin written in strict C works through the same contract") {
    const myq_plugin* plugin = c_plugin();
    Reason reason{};
    const myq_option option{"any", nullptr, 0};
    CHECK(plugin->check(nullptr, 0, reason.data(), reason.size()) == 0);
    CHECK(plugin->check(&option, 1, reason.data(), reason.size()) != 0);
    CHECK(std::string(reason.data()) == "takes no options");

    log_lines.clear();
    void* state = plugin->start(&host, nullptr, 0, reason.data(), reason.size());
    REQUIRE(state != nullptr);
    myq_message message{};
    message.body = "from C";
    message.body_size = 6;
    myq_outcome outcome{};
    plugin->handle(state, &message, &outcome);
    CHECK(outcome.verdict == MYQ_DONE);
    REQUIRE(log_lines.size() == 1);
    CHECK(log_lines[0].second == "from C");
    CHECK((plugin->stop == nullptr));
}

TEST_CASE("handle_many: each message has its own outcome, and the last word counts") {
    CHECK(handle_many({"done", "no", "done"}) == "0: 2:no 0: ");
    CHECK(handle_many({"no", "rest", "never", "done"}) == "2:no 0: 0: 0: ");
    CHECK(handle_many({std::string(300, 'x'), "done"}) == "2:" + std::string(255, 'x') + " 0: ");
}

TEST_CASE("handle_many: without one of its own, a handler deals with one after the other") {
    CHECK(handle_many({"default", "done"}) == "2:default 0: ");
}

TEST_CASE("handle_many: what has no outcome is tried again, whether that was forgotten or thrown") {
    CHECK(handle_many({"done", "forget", "no"}) == "0: 1:its handler gave it no outcome 2:no ");
    CHECK(handle_many({"done", "throw", "no"}) == "0: 1:first 1:no disk ");
    CHECK(handle_many({"no", "throw int", "done"}) ==
          "2:no 1:something was thrown that is no std::exception "
          "1:something was thrown that is no std::exception ");
    CHECK(handle_many({"default", "throw", "done"}) == "2:default 1:no disk 1:no disk ");
}

}  // TEST_SUITE("handler")
