#include "config/config.hpp"
#include "config/mistakes.hpp"
#include "config/yaml_tree.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

TEST_SUITE("keys") {

// A key of the configuration lives in three places: the loader, the etc/myq.yaml that we ship and
// the manual. Here each is asked which keys it has.
using namespace myq;

namespace {

using Keys = std::set<std::string>;

std::string contents(const std::string& path) {
    std::ifstream file{std::string(MYQ_SOURCE_DIR "/") + path, std::ios::binary};
    REQUIRE(file.is_open());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string complaint(const std::string& text) {
    try {
        parse_config(text, "f", "/plugins");
    } catch (const ConfigError& e) {
        return e.what();
    }
    return "";
}

// What the loader says it knows when it meets a key that it cannot know.
std::vector<std::string> known_here(const std::string& text) {
    const std::string said = complaint(text);
    const std::string opening = "unknown key; known here: ";
    const std::size_t start = said.find(opening);
    if (start == std::string::npos) return {};
    std::istringstream list{
        said.substr(start + opening.size(), said.find('\n', start) - start - opening.size())};
    std::vector<std::string> keys;
    for (std::string key; std::getline(list >> std::ws, key, ',');)
        keys.push_back(key);
    return keys;
}

// The keys of the map that stands between `before` and `after`, and of every map below it, which
// may be the value of a key or an item of it.
void ask_loader(const std::string& before, const std::string& after, const std::string& prefix,
                Keys& keys) {
    for (const std::string& key : known_here(before + "qqqqqqqq: 1" + after)) {
        keys.insert(prefix + key);
        ask_loader(before + key + ": {", "}" + after, prefix + key + ".", keys);
        ask_loader(before + key + ": [{", "}]" + after, prefix + key + ".", keys);
    }
}

Keys loader_keys() {
    Keys keys;
    ask_loader("{", "}", "", keys);
    return keys;
}

// The shipped file with every setting switched on: a '#' right before a setting goes.
std::string everything_switched_on(const std::string& text) {
    std::istringstream lines{text};
    std::string all;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t mark = line.find_first_not_of(' ');
        const bool is_setting = mark != std::string::npos && line[mark] == '#' &&
                                mark + 1 < line.size() && line[mark + 1] != ' ';
        if (is_setting) line.erase(mark, 1);
        all += line + '\n';
    }
    return all;
}

void collect(const YamlNode& node, const std::string& prefix, Keys& keys) {
    for (const YamlNode& child : node.children) {
        const bool is_item = node.kind == YamlNode::Kind::list;
        const std::string path = is_item ? prefix : prefix + child.key;
        if (!is_item) keys.insert(path);
        // What stands below is the plugin's and not ours.
        if (path == "queues.handlers.options") continue;
        collect(child, is_item ? prefix : path + ".", keys);
    }
}

Keys shipped_keys() {
    Mistakes mistakes{"etc/myq.yaml"};
    const YamlNode root = parse_yaml(everything_switched_on(contents("etc/myq.yaml")), mistakes);
    mistakes.throw_if_any();
    Keys keys;
    collect(root, "", keys);
    return keys;
}

// `.It Ic KEY` in the manual.
Keys manual_keys() {
    std::istringstream lines{contents("docs/man/myq.yaml.5")};
    const std::string opening = ".It Ic ";
    Keys keys;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(opening)) continue;
        keys.insert(line.substr(opening.size(), line.find(' ', opening.size()) - opening.size()));
    }
    return keys;
}

std::string only_in(const Keys& some, const Keys& others) {
    std::string list;
    for (const std::string& key : some) {
        if (!others.contains(key)) list += key + " ";
    }
    return list;
}

}  // namespace

TEST_CASE("configuration keys: the loader tells all that it knows") {
    const Keys keys = loader_keys();
    for (const std::string key :
         {"daemon.stop_timeout", "log.file", "plugins.dir", "queues.key.project",
          "queues.receivers.types.up_to", "queues.retry.attempts", "queues.recycle.max_rss",
          "queues.handlers.retry.jitter", "queues.handlers.options"}) {
        CAPTURE(key);
        CHECK(keys.contains(key));
    }
    CHECK(keys.size() > 50);
}

TEST_CASE("configuration keys: the shipped file has each and no other") {
    CHECK(only_in(loader_keys(), shipped_keys()) == "");
    CHECK(only_in(shipped_keys(), loader_keys()) == "");
}

TEST_CASE("configuration keys: the manual has each and no other") {
    CHECK(only_in(loader_keys(), manual_keys()) == "");
    CHECK(only_in(manual_keys(), loader_keys()) == "");
}

TEST_CASE("configuration keys: the shipped file is accepted as it is") {
    CHECK(complaint(contents("etc/myq.yaml")) == "");
}

TEST_CASE("configuration keys: what the shipped file leaves out or says at its default is so") {
    const Config defaults = parse_config("queues: [{name: a, key: 1}]", "f", "/plugins");
    const Config shipped = parse_config(contents("etc/myq.yaml"), "f", "/plugins");
    CHECK(shipped.daemon.user == defaults.daemon.user);
    CHECK(shipped.daemon.group == defaults.daemon.group);
    CHECK(shipped.daemon.stop_timeout == defaults.daemon.stop_timeout);
    CHECK(shipped.daemon.run_dir == defaults.daemon.run_dir);
    CHECK(shipped.daemon.no_new_privs == defaults.daemon.no_new_privs);
    CHECK(shipped.daemon.keep_ipc_owner == defaults.daemon.keep_ipc_owner);
    CHECK(shipped.log.level == defaults.log.level);
    CHECK(shipped.log.target == defaults.log.target);
    CHECK(shipped.log.file == defaults.log.file);
    CHECK(shipped.plugins.dir == defaults.plugins.dir);
    CHECK(shipped.plugins.auto_route == defaults.plugins.auto_route);
    CHECK(shipped.plugins.watch == defaults.plugins.watch);
    CHECK(shipped.journal.dir == defaults.journal.dir);
    CHECK(shipped.journal.max_size == defaults.journal.max_size);
    CHECK(shipped.journal.min_free == defaults.journal.min_free);
    const QueueConfig& jobs = shipped.queues.at(0);
    const QueueConfig& plain = defaults.queues.at(0);
    CHECK(jobs.mode == plain.mode);
    CHECK(jobs.creators == plain.creators);
    CHECK(jobs.durability == plain.durability);
    CHECK(jobs.overflow == plain.overflow);
    CHECK(jobs.drain == plain.drain);
    CHECK(jobs.retry.attempts == plain.retry.attempts);
    CHECK(jobs.retry.delay == plain.retry.delay);
    CHECK(jobs.retry.max_delay == plain.retry.max_delay);
    CHECK(jobs.retry.jitter == plain.retry.jitter);
    CHECK(jobs.recycle.max_messages == plain.recycle.max_messages);
    CHECK(jobs.recycle.max_age == plain.recycle.max_age);
    CHECK(jobs.recycle.max_rss == plain.recycle.max_rss);
}

TEST_CASE("configuration keys: the shipped file with every setting switched on is accepted") {
    std::string text = everything_switched_on(contents("etc/myq.yaml"));
    // The file of its ftok example is itself, which is not installed here.
    const std::string installed = "path: /etc/myq/myq.yaml";
    const std::size_t start = text.find(installed);
    REQUIRE(start != std::string::npos);
    text.replace(start, installed.size(), "path: /");
    CHECK(complaint(text) == "");
}

TEST_CASE("configuration keys: each example of the manual is accepted") {
    std::istringstream lines{contents("docs/man/myq.yaml.5")};
    std::string example;
    int examples = 0;
    bool is_example = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(".Ed")) {
            const std::size_t path = example.find("path: /srv/app/queue");
            if (path != std::string::npos) example.replace(path, 20, "path: /");
            CAPTURE(example);
            CHECK(complaint(example) == "");
            ++examples;
        }
        if (line.starts_with('.')) is_example = line.starts_with(".Bd -literal");
        if (line.starts_with(".Bd")) example.clear();
        if (is_example && !line.starts_with('.')) example += line + '\n';
    }
    CHECK(examples == 4);
}

}  // TEST_SUITE("keys")
