#include <myq/testhost.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

TEST_SUITE("testhost") {

using namespace myq;
using std::chrono::milliseconds;

namespace {

bool was_stopped = false;

// Does with each body what the body says.
class Obedient : public Handler {
public:
    explicit Obedient(const Start& start) : Handler(start), label_(start.options.text("label")) {
        if (label_ == "broken") throw std::runtime_error("it is broken");
        log(Level::debug, "begins");
    }
    ~Obedient() override { was_stopped = true; }

    Outcome handle(const Message& message) override {
        const std::string_view body = message.text();
        if (body == "label") log(Level::info, label_);
        if (body.starts_with("reply")) {
            reply("one ");
            progress(1, 2, "half");
            reply("two");
            if (body == "reply, later") return retry("not now");
            if (body == "reply, at length" && !reply(std::string(1 << 20, 'x')))
                log(Level::warn, "too long");
        }
        if (body == "later") return retry("not now", milliseconds{1500});
        if (body == "never") return reject("no");
        if (body == "throw") throw std::runtime_error("thrown");
        if (body == "touch") touch(milliseconds{10}), touch(milliseconds{20});
        if (body == "stop?") log(Level::warn, should_stop() ? "stop" : "go on");
        if (body == "write") const_cast<char*>(body.data())[0] = '!';
        if (body == "all") log(Level::info, everything(message));
        return done();
    }

private:
    static std::string everything(const Message& message) {
        return std::to_string(message.type()) + " " + std::string(message.type_name()) + " " +
               std::string(message.queue()) + " " + std::to_string(message.attempt()) + " " +
               std::to_string(message.timeout().value_or(milliseconds{-1}).count()) + " " +
               std::string(message.id());
    }

    std::string label_;
};

const myq_plugin* obedient(const myq_host*) {
    return plugin<Obedient>(
        {.name = "obedient",
         .version = "2.0",
         .options = {{.name = "label", .required = true, .help = "what is said"},
                     {.name = "times", .kind = MYQ_OPTION_INTEGER}},
         .check = [](const Options& options) {
             if (options.text("label") == "rude") throw std::invalid_argument("mind your words");
         }});
}

// Takes up to three in one call.
class Group : public Handler {
public:
    using Handler::Handler;
    Outcome handle(const Message&) override { return retry("alone"); }
    std::size_t most_at_once() const override { return 3; }
    void handle_many(Messages& messages) override {
        log(Level::info, std::to_string(messages.size()) + " at once");
        for (std::size_t i = 0; i < messages.size(); ++i) {
            const std::string_view body = messages[i].text();
            if (body == "write") const_cast<char*>(body.data())[0] = '!';
            if (body == "never") messages.settle(i, reject("no"));
        }
        messages.settle_rest(done());
    }
};

const myq_plugin* group(const myq_host*) {
    return plugin<Group>({.name = "group", .version = "1.0"});
}

const myq_plugin* answers_nonsense(const myq_host*) {
    static const myq_plugin described = [] {
        myq_plugin it{};
        it.size = offsetof(myq_plugin, stop);  // has no stop(), and needs none
        it.abi_major = MYQ_ABI_MAJOR;
        it.name = "nonsense";
        it.version = "1";
        it.start = [](const myq_host* host, const myq_option*, size_t, char*, size_t) {
            host->log(99, "odd", 3);
            return static_cast<void*>(&was_stopped);
        };
        it.handle = [](void*, const myq_message* message, myq_outcome* outcome) {
            CHECK(message->body != nullptr);
            outcome->verdict = 17;
            for (char& letter : outcome->reason)
                letter = 'x';
        };
        it.stop = [](void*) { FAIL("lies outside of its size"); };
        return it;
    }();
    return &described;
}

const std::vector<TestOption> label{{"label", {"hello"}}};

std::string refusal(TestHost::Entry entry, const std::vector<TestOption>& options) {
    try {
        const TestHost host(entry, options);
        return "";
    } catch (const TestHostError& e) {
        return e.what();
    }
}

std::string refusal(const std::string& plugin) {
    try {
        const TestHost host(std::filesystem::path(TEST_PLUGINS) / (plugin + ".so"));
        return "";
    } catch (const TestHostError& e) {
        return e.what();
    }
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("testhost: what the handler answers comes back") {
    TestHost host(obedient, label);
    CHECK(host.handle("anything").verdict == MYQ_DONE);
    const Outcome later = host.handle("later");
    CHECK(later.verdict == MYQ_RETRY);
    CHECK(later.reason == "not now");
    CHECK(later.delay == milliseconds{1500});
    CHECK(host.handle("never").verdict == MYQ_REJECT);
    CHECK(host.handle("throw").verdict == MYQ_RETRY);
    CHECK(host.handle("throw").reason == "thrown");
    CHECK(std::string(host.plugin().name) == "obedient");
}

TEST_CASE("testhost: the handler sees every part of the message") {
    TestHost host(obedient, label);
    host.handle({.body = "all",
                 .type = 7,
                 .type_name = "resize",
                 .queue = "jobs",
                 .attempt = 3,
                 .timeout = milliseconds{250},
                 .id = "00112233445566778899aabbccddeeff"});
    CHECK(host.logged("7 resize jobs 3 250 00112233445566778899aabbccddeeff"));
    host.handle("all");
    CHECK(host.log().back().text == "1  test 1 -1 ");
}

TEST_CASE("testhost: a reply is for who asked, when the message is over") {
    TestHost host(obedient, label);
    host.handle("reply");
    CHECK(host.reply().empty());
    CHECK(host.progress().empty());
    host.handle({.body = "reply", .wants_reply = true});
    CHECK(host.reply() == "one two");
    CHECK(host.progress() == std::vector<TestProgress>{{1, 2, "half"}});
    CHECK(host.handle({.body = "reply, later", .wants_reply = true}).verdict == MYQ_RETRY);
    CHECK(host.reply().empty());
    host.handle({.body = "reply, at length", .wants_reply = true});
    CHECK(host.logged("too long"));
    CHECK(host.reply().empty());
}

TEST_CASE("testhost: log lines, touches and the wish to stop are the host's own") {
    TestHost host(obedient, label);
    TestHost other(obedient, {{"label", {"other"}}});
    CHECK(host.logged("begins"));
    host.clear_log();
    host.handle("label");
    REQUIRE(host.log().size() == 1);
    CHECK(host.log()[0].level == Level::info);
    CHECK(host.log()[0].text == "hello");
    CHECK(!other.logged("hello"));
    host.handle("touch");
    CHECK(host.touches() == std::vector{milliseconds{10}, milliseconds{20}});
    host.handle("label");
    CHECK(host.touches().empty());
    host.handle("stop?");
    CHECK(host.logged("go on"));
    host.ask_to_stop();
    host.handle("stop?");
    CHECK(host.log().back().text == "stop");
    other.handle("stop?");
    CHECK(other.logged("go on"));
}

TEST_CASE("testhost: it keeps the whole contract: what is new there is new here") {
    static std::size_t host_size = 0;
    static std::size_t message_size = 0;
    TestHost host(+[](const myq_host* offered) -> const myq_plugin* {
        host_size = offered->size;
        static myq_plugin it = *answers_nonsense(offered);
        it.handle = [](void*, const myq_message* message, myq_outcome*) {
            message_size = message->size;
        };
        return &it;
    });
    host.handle("");
    CHECK(host_size == sizeof(myq_host));
    CHECK(message_size == sizeof(myq_message));
}

TEST_CASE("testhost: the plugin is stopped with its host, and not without a stop()") {
    was_stopped = false;
    { const TestHost host(obedient, label); }
    CHECK(was_stopped);
    TestHost host(answers_nonsense);
    CHECK(host.log()[0].level == Level::error);
    const Outcome outcome = host.handle("");
    CHECK(outcome.verdict == MYQ_REJECT);
    CHECK(outcome.reason.size() == 255);
}

TEST_CASE("testhost: who writes into the body is found out") {
    TestHost host(obedient, label);
    CHECK_THROWS_AS(host.handle("write"), TestHostError);
}

TEST_CASE("testhost: options are judged as the daemon does") {
    CHECK(TestHost::problems(obedient, label).empty());
    using Lines = std::vector<std::string>;
    CHECK(TestHost::problems(obedient, {{"lable", {"x"}}, {"times", {"many"}}}) ==
          Lines{"options.lable: plugin obedient has no such option",
                "options.times: 'many' is not a whole number",
                "options.label: is missing; plugin obedient needs it (what is said)"});
    CHECK(TestHost::problems(obedient, {{"label", {"rude"}}}) ==
          Lines{"options: plugin obedient: mind your words"});
    CHECK(refusal(obedient, {{"label", {"rude"}}}) == "options: plugin obedient: mind your words");
    CHECK(refusal(obedient, {{"label", {"broken"}}}) ==
          "plugin obedient does not start: it is broken");
}

TEST_CASE("testhost: a plugin is loaded by its path, and refused as the daemon would") {
    TestHost host(std::filesystem::path(TEST_PLUGINS) / "auto_42.so");
    CHECK(host.handle("x").verdict == MYQ_DONE);
    CHECK(host.logged("auto_42 got x"));
    CHECK(contains(refusal("wrong_abi"), "is built for plugin ABI 99.0, this test host has "));
    CHECK(contains(refusal("no_symbol"), "no_symbol.so: exports no myq_plugin_entry()"));
    CHECK(contains(refusal("null_entry"), "refuses this test host"));
    CHECK(contains(refusal("short_struct"), "at least"));
    CHECK(contains(refusal("throws_in_start"), "does not start: the database is on holiday"));
    CHECK(contains(refusal("not_elf"), "not_elf.so"));
    CHECK(contains(refusal("no_such_file"), "no_such_file.so"));
}

TEST_CASE("testhost: many messages come in calls of as many as the handler takes") {
    TestHost host(group);
    CHECK(host.most_at_once() == 3);
    const auto outcomes =
        host.handle_many({{.body = "1"}, {.body = "never"}, {.body = "3"}, {.body = "4"}});
    REQUIRE(outcomes.size() == 4);
    CHECK(outcomes[0].verdict == MYQ_DONE);
    CHECK(outcomes[1].verdict == MYQ_REJECT);
    CHECK(outcomes[2].verdict == MYQ_DONE);
    CHECK(outcomes[3].reason == "alone");
    CHECK(host.logged("3 at once"));
    CHECK(host.handle_many({}).empty());
    CHECK_THROWS_WITH_AS(host.handle_many({{.body = "1"}, {.body = "write"}}),
                         "the handler wrote into the body, which is read-only in a worker",
                         TestHostError);
    TestHost single(obedient, {{"label", {"x"}}});
    CHECK(single.most_at_once() == 1);
    CHECK(single.handle_many({{.body = "never"}, {.body = "later"}}).at(1).verdict == MYQ_RETRY);
    CHECK(TestHost(answers_nonsense).most_at_once() == 1);
}

}  // TEST_SUITE("testhost")
