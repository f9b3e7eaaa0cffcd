#include "daemon/plan.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/plugin_dir.hpp"

#include <doctest/doctest.h>

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>

TEST_SUITE("plan") {

using namespace myq;
using namespace myq::test;

namespace {

// A plugin directory with a configuration in it.
struct Setting {
    explicit Setting(std::initializer_list<const char*> plugins) : dir(plugins) {}

    // `queue` is what follows the queue's key, `top` what precedes the queues.
    void write(const std::string& queue, const std::string& top = "") const {
        write_file(file(), top + "plugins: {dir: " + dir.path().string() +
                               "}\nqueues:\n  - name: jobs\n    key: 0x6d797144\n" + queue);
    }
    std::filesystem::path file() const { return dir / "myq.yaml"; }
    Plan plan(const Plan* before = nullptr) const { return make_plan(file(), true, {before}); }
    std::string mistakes() const {
        try {
            plan();
        } catch (const ConfigError& e) {
            return e.what();
        }
        return "none";
    }

    PluginDir dir;
};

const Route* route_of(const QueuePlan& queue, std::int64_t type) {
    const auto found = std::find_if(queue.routes.begin(), queue.routes.end(),
                                    [&](const Route& r) { return r.handler.type == type; });
    return found == queue.routes.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("a plan has the service's identity and a frozen plugin for every handler") {
    const Setting setting{"reply"};
    setting.write("    handlers:\n"
                  "      - {type: 7, plugin: reply, options: {key: 0x1}}\n"
                  "      - {type: any, plugin: reply, options: {key: 0x2}}\n");
    const Plan plan = setting.plan();
    CHECK(plan.service.uid == find_user("myq"));
    REQUIRE(plan.queues.size() == 1);
    REQUIRE(plan.queues[0].routes.size() == 2);
    CHECK(plan.queues[0].routes[0].image == plan.queues[0].routes[1].image);
    CHECK(plan.queues[0].routes[0].image->name == "reply");
    CHECK(plan.remarks().empty());
    CHECK(plan.auto_routed.empty());
}

TEST_CASE("every mistake is told in one run, with its place") {
    const Setting setting{"reply"};
    setting.write("    group: nogroup-of-ours\n"
                  "    creators: [nouser-of-ours]\n"
                  "    handlers:\n"
                  "      - {type: 7, plugin: reply, options: {kee: 0x1}}\n"
                  "      - {type: 8, plugin: nowhere}\n");
    const std::string mistakes = setting.mistakes();
    const std::string at = setting.file().string();
    CAPTURE(mistakes);
    CHECK(mistakes.find(at + ":3:5: queue jobs: there is no group 'nogroup-of-ours'") !=
          std::string::npos);
    CHECK(mistakes.find("options.kee: plugin reply has no such option; did you mean 'key'?") !=
          std::string::npos);
    CHECK(mistakes.find("options.key: is missing; plugin reply needs it") != std::string::npos);
    CHECK(mistakes.find(at + ":9:9: plugin: " + setting.dir.file("nowhere").string() +
                        ": cannot open: No such file or directory") != std::string::npos);
}

TEST_CASE("a plugin that names its types is routed in every queue with no line of config") {
    const Setting setting{"auto_42", "reply"};
    setting.write("  - name: mail\n    key: 0x6d797145\n");
    const Plan plan = setting.plan();
    for (const QueuePlan& queue : plan.queues) {
        CAPTURE(queue.config.name);
        REQUIRE(queue.routes.size() == 1);
        CHECK(queue.routes[0].handler.type == 42);
        CHECK(queue.routes[0].image->name == "auto_42");
    }
    CHECK(plan.auto_routed == std::set<std::string>{"auto_42"});
    CHECK(plan.remarks().empty());
}

TEST_CASE("auto_route: false routes only what the config says") {
    const Setting setting{"auto_42", "reply"};
    write_file(setting.file(),
               "plugins: {dir: " + setting.dir.path().string() +
                   ", auto_route: false}\nqueues:\n  - name: jobs\n    key: 0x6d797144\n"
                   "    handlers: [{type: 7, plugin: reply, options: {key: 0x1}}]\n");
    const Plan plan = setting.plan();
    CHECK(plan.queues[0].routes.size() == 1);
    CHECK(plan.auto_routed.empty());
}

TEST_CASE("a plugin named in the config is routed as it says there and nowhere else") {
    const Setting setting{"auto_42"};
    setting.write("    handlers: [{type: 7, plugin: auto_42}]\n");
    const Plan plan = setting.plan();
    CHECK(plan.queues[0].routes.size() == 1);
    CHECK(plan.queues[0].routes[0].handler.type == 7);
}

TEST_CASE("two plugins that want one type: the first keeps it, and the other is told") {
    const Setting setting{"auto_42", "auto_42_too"};
    setting.write("");
    const Plan plan = setting.plan();
    REQUIRE(plan.queues[0].routes.size() == 1);
    CHECK(plan.queues[0].routes[0].image->name == "auto_42");
    CHECK(plan.remarks() ==
          std::vector<std::string>{"plugin refused: " + setting.dir.file("auto_42_too").string() +
                                   ": type 42 of queue jobs is already handled by plugin auto_42"});
    // On a reload, whoever was there first stays, whatever its name.
    std::filesystem::remove(setting.dir.file("auto_42"));
    const Plan first = setting.plan();
    setting.dir.add("auto_42");
    CHECK(setting.plan(&first).queues[0].routes[0].image->name == "auto_42_too");
}

TEST_CASE("the config comes before what plugins name themselves") {
    const Setting setting{"auto_42", "reply"};
    setting.write("    handlers: [{type: 42, plugin: reply, options: {key: 0x1}}]\n");
    const Plan plan = setting.plan();
    REQUIRE(route_of(plan.queues[0], 42) != nullptr);
    CHECK(route_of(plan.queues[0], 42)->image->name == "reply");
    CHECK(plan.remarks().size() == 1);
    CHECK(plan.auto_routed.empty());
}

TEST_CASE("a bad plugin that nobody asked for is refused and harms nothing") {
    const Setting setting{
        "auto_42",     "crashes_in_constructor", "not_elf", "no_symbol", "wrong_abi", "null_entry",
        "short_struct"};
    setting.write("");
    const Plan plan = setting.plan();
    CHECK(plan.queues[0].routes.size() == 1);
    CHECK(plan.remarks().size() == 6);
    for (const std::string& remark : plan.remarks()) {
        CAPTURE(remark);
        CHECK(remark.starts_with("plugin refused: " + setting.dir.path().string() + "/"));
    }
    CHECK(plan.remarks()[0] ==
          "plugin refused: " + setting.dir.file("crashes_in_constructor").string() +
              ": ended the process that loaded it (killed by SIGSEGV)");
}

TEST_CASE("a bad plugin that the config names is a mistake") {
    for (const char* plugin : {"crashes_in_constructor", "not_elf", "no_symbol", "wrong_abi",
                               "null_entry", "short_struct"}) {
        CAPTURE(plugin);
        const Setting setting{plugin};
        setting.write(std::string("    handlers: [{type: 7, plugin: ") + plugin + "}]\n");
        CHECK(setting.mistakes().starts_with(setting.file().string() + ":5:16: plugin: " +
                                             setting.dir.file(plugin).string() + ": "));
    }
}

TEST_CASE("whom the daemon would run as must exist and not be root") {
    const Setting setting{"reply"};
    const std::string at = setting.file().string();
    setting.write("", "daemon: {user: nouser-of-ours}\n");
    CHECK(setting.mistakes() == at + ": daemon: there is no user 'nouser-of-ours'; make it with "
                                     "useradd --system nouser-of-ours");
    setting.write("", "daemon: {user: root}\n");
    CHECK(setting.mistakes() == at + ": daemon: user 'root' is root; handlers never run as root");
}

TEST_CASE("an ordinary user is who the daemon runs as, and may own plugins") {
    const Setting setting{"reply"};
    setting.write("    handlers: [{type: 7, plugin: reply, options: {key: 0x1}}]\n");
    for (const auto& entry : std::filesystem::directory_iterator(setting.dir.path())) {
        REQUIRE(chown(entry.path().c_str(), 65534, 65534) == 0);
    }
    REQUIRE(chown(setting.dir.path().c_str(), 65534, 65534) == 0);
    CHECK(as_nobody(
              [&] { return make_plan(setting.file(), false).service.uid == 65534 ? 0 : 1; }) == 0);
    // Where root started the daemon, only root's plugins count, also after the drop.
    CHECK(as_nobody([&] {
              try {
                  make_plan(setting.file(), true);
                  return 1;
              } catch (const ConfigError&) {
                  return 0;
              }
          }) == 0);
}

}  // TEST_SUITE("plan")
