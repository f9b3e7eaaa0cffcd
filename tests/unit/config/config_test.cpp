#include "config/config.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <sys/ipc.h>

#include <filesystem>
#include <string>
#include <vector>

TEST_SUITE("config") {

// What a file with a stable text can show is in tests/config, as golden files. Here is the rest:
// what depends on the machine, and what only the struct shows.
using namespace myq;

namespace {

std::string complaint(const std::string& text) {
    try {
        parse_config(text, "f", "/plugins");
    } catch (const ConfigError& e) {
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("config: a file that says only what it must gives the defaults") {
    const Config config = parse_config("queues: [{name: a, key: 1}]", "f", "/plugins");
    CHECK(config.source == std::filesystem::current_path() / "f");
    CHECK(config.daemon.user == "myq");
    CHECK(config.daemon.group == "myq");
    CHECK(config.daemon.stop_timeout == std::chrono::seconds{10});
    CHECK(config.daemon.run_dir.empty());
    CHECK(config.daemon.no_new_privs);
    CHECK_FALSE(config.daemon.keep_ipc_owner);
    CHECK(config.log.level == LogConfig::Level::info);
    CHECK(config.log.target == LogConfig::Target::file);
    CHECK(config.log.file == "/var/log/myq/myqd.log");
    CHECK(config.plugins.dir == "/plugins");
    CHECK(config.plugins.auto_route);
    CHECK(config.journal.dir.empty());
    CHECK(config.journal.max_size == std::uint64_t{1} << 30U);
    CHECK(config.journal.min_free == std::uint64_t{64} << 20U);
    REQUIRE(config.queues.size() == 1);
    const QueueConfig& queue = config.queues[0];
    CHECK(queue.group.empty());
    CHECK(queue.mode == 0620);
    CHECK_FALSE(queue.capacity.has_value());
    CHECK(queue.creators.empty());
    REQUIRE(queue.receivers.size() == 1);
    CHECK(queue.receivers[0].types == Selector::any());
    CHECK(queue.receivers[0].count == 1);
    CHECK(queue.durability == QueueConfig::Durability::memory);
    CHECK(queue.overflow == QueueConfig::Overflow::block);
    CHECK_FALSE(queue.drain);
    CHECK(queue.retry.attempts == 5);
    CHECK(queue.retry.delay == std::chrono::seconds{1});
    CHECK(queue.retry.max_delay == std::chrono::minutes{10});
    CHECK(queue.retry.jitter == 10);
    CHECK_FALSE(queue.recycle.max_messages.has_value());
    CHECK_FALSE(queue.recycle.max_age.has_value());
    CHECK_FALSE(queue.recycle.max_rss.has_value());
    CHECK(queue.handlers.empty());
}

TEST_CASE("config: a key from a file and a letter is the one of ftok") {
    const Config config =
        parse_config("queues: [{name: a, key: {path: /, project: A}}]", "f", "/plugins");
    CHECK(config.queues[0].key.value() == ::ftok("/", 'A'));
}

TEST_CASE("config: a key that ftok cannot make is a mistake of its line") {
    const std::string text =
        complaint("queues: [{name: a, key: {path: /no/such/file, project: A}}]");
    CHECK(text.starts_with("f:1:32: queues.key.path: "));
    CHECK(text.find("/no/such/file") != std::string::npos);
    CHECK(text.find("No such file or directory") != std::string::npos);
}

TEST_CASE("config: a key that is no key is a mistake of its line") {
    for (const std::string key :
         {"0", "-1", "0xffffffff", "4294967296", "-2147483649", "jobs", "1.5", "''", "0x", "08"}) {
        CAPTURE(key);
        const std::string text = complaint("queues: [{name: a, key: " + key + "}]");
        CHECK(text.starts_with("f:1:25: queues.key: "));
    }
}

TEST_CASE("config: two ways to write one key are one key") {
    CHECK(complaint("queues: [{name: a, key: 0xffff0001}, {name: b, key: -65535}]") ==
          "f:1:53: queues.key: is the same as in line 1");
}

TEST_CASE("config: a mistake in one value hides none in the rest") {
    CHECK(complaint("daemon: {stop_timeout: 2h}\n"
                    "log: &anchor {level: loud}\n"
                    "queues:\n"
                    "  - {name: a, key: 1, mode: 0620}\n"
                    "  - {name: a, key: 1, hanlders: []}\n") ==
          "f:1:24: daemon.stop_timeout: '2h' is out of range: 0s to 1h\n"
          "f:2:6: log: an anchor (&name): leave it out, nothing may refer to it\n"
          "f:2:22: log.level: 'loud' is not one of debug, info, warn, error\n"
          "f:4:29: queues.mode: '0620' must be in quotes, such as \"0620\"\n"
          "f:5:12: queues.name: is the same as in line 4\n"
          "f:5:20: queues.key: is the same as in line 4\n"
          "f:5:23: queues.hanlders: unknown key; did you mean 'handlers'?");
}

TEST_CASE("config: a broken item of a list brings no other mistakes about") {
    CHECK(complaint("plugins: {auto_route: false}\n"
                    "queues:\n"
                    "  - name: a\n"
                    "    key: &k 1\n"
                    "    receivers: [*k, {types: 7}]\n"
                    "    handlers: [*k, {type: 7, plugin: log}]\n"
                    "  - *k\n"
                    "  - 7\n") ==
          "f:4:10: queues.key: an anchor (&name): leave it out, nothing may refer to it\n"
          "f:5:17: queues.receivers: an alias (*name): write the value out\n"
          "f:6:16: queues.handlers: an alias (*name): write the value out\n"
          "f:7:5: queues: an alias (*name): write the value out\n"
          "f:8:5: queues: must be a map of keys and values, not a text");
}

TEST_CASE("config: a handler's retry starts from the queue's, wherever that stands") {
    const Config config = parse_config("queues:\n"
                                       "  - name: a\n"
                                       "    key: 1\n"
                                       "    handlers:\n"
                                       "      - {type: 1, plugin: p, retry: {delay: 3s}}\n"
                                       "      - {type: 2, plugin: p}\n"
                                       "    retry: {attempts: 9, max_delay: 30d}\n",
                                       "f", "/plugins");
    const std::vector<HandlerConfig>& handlers = config.queues[0].handlers;
    REQUIRE(handlers[0].retry.has_value());
    CHECK(handlers[0].retry->attempts == 9);
    CHECK(handlers[0].retry->delay == std::chrono::seconds{3});
    CHECK(handlers[0].retry->max_delay == std::chrono::hours{30 * 24});
    CHECK(handlers[0].retry->jitter == 10);
    CHECK_FALSE(handlers[1].retry.has_value());
}

TEST_CASE("config: an option says where it stands") {
    const Config config = parse_config("queues:\n"
                                       "  - name: a\n"
                                       "    key: 1\n"
                                       "    handlers:\n"
                                       "      - type: any\n"
                                       "        plugin: exec\n"
                                       "        options: {command: [/bin/a, b]}\n",
                                       "/x/myq.yaml", "/plugins");
    const HandlerConfig& handler = config.queues[0].handlers[0];
    CHECK(config.queues[0].where == "/x/myq.yaml:2:5");
    CHECK(handler.where == "/x/myq.yaml:5:9");
    REQUIRE(handler.options.size() == 1);
    CHECK(handler.options[0].where == "/x/myq.yaml:7:19");
    CHECK(handler.options[0].values == std::vector<std::string>{"/bin/a", "b"});
}

TEST_CASE("config: options of a handler in a file of their own") {
    const test::TempDir dir;
    const std::string file = dir.path() / "options.yaml";
    test::write_file(file, "command: [/bin/sh, -c]\ndirectory: /srv\n");
    const auto options = load_options(file);
    REQUIRE(options.size() == 2);
    CHECK(options[0].name == "command");
    CHECK(options[0].values == std::vector<std::string>{"/bin/sh", "-c"});
    CHECK(options[1].values == std::vector<std::string>{"/srv"});
    CHECK(options[1].where == file + ":2:1");
    test::write_file(file, "- a\n");
    CHECK_THROWS_WITH_AS(load_options(file),
                         (file + ":1:1: options: must be a map of options, not a list").c_str(),
                         ConfigError);
    test::write_file(file, "a: {b: c}\n");
    CHECK_THROWS_AS(load_options(file), ConfigError);
    CHECK_THROWS_AS(load_options(dir.path() / "none"), ConfigError);
}

TEST_CASE("config: many thousand mistakes of one kind stay cheap to find") {
    std::string text = "queues:\n";
    for (int i = 0; text.size() < 200'000; ++i) {
        text += "- {name: a" + std::to_string(i) + ", key: 1, handlers: [{type: 1, plugin: l}]}\n";
    }
    CHECK(complaint(text).ends_with(" more mistakes"));

    std::string keys;
    for (int i = 0; keys.size() < 200'000; ++i)
        keys += "key" + std::to_string(i) + ":\n";
    CHECK(complaint(keys).ends_with(" more mistakes"));
}

}  // TEST_SUITE("config")
