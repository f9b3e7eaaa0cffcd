#include "daemon/plugin_inspector.hpp"
#include "tests/unit/daemon/plugin_dir.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

TEST_SUITE("plugin_inspector") {

using namespace myq;
using namespace myq::test;

namespace {

using Kind = PluginInspector::Finding::Kind;

struct Scene {
    Scene(std::initializer_list<const char*> plugins) : dir(plugins) {
        plan.config.plugins.dir = dir.path();
        plan.service = find_identity("myq", "myq");
    }

    // The next finding, whenever it comes.
    PluginInspector::Finding next() {
        for (;;) {
            auto found = inspector.findings();
            if (!found.empty()) return found.front();
            std::vector<pollfd> fds;
            for (const int fd : inspector.fds())
                fds.push_back({fd, POLLIN, 0});
            ::poll(fds.data(), fds.size(), 1'000);
        }
    }
    std::string why(const std::string& name) {
        inspector.inspect(plan, name);
        const PluginInspector::Finding finding = next();
        return finding.kind == Kind::unfit ? finding.reason : "fit";
    }

    PluginDir dir;
    Plan plan;
    PluginInspector inspector{0};
};

}  // namespace

TEST_CASE("a fit plugin is found so, with what it says of itself") {
    Scene scene{"auto_42", "ledger"};
    scene.inspector.inspect(scene.plan, "auto_42");
    const auto finding = scene.next();
    CHECK(finding.kind == Kind::fit);
    CHECK(finding.plugin == "auto_42");
    CHECK(finding.fit.description.types == std::vector<std::int64_t>{42});
    CHECK(finding.fit.image->path == scene.dir.file("auto_42"));
    // Without types it needs no options yet.
    scene.inspector.inspect(scene.plan, "ledger");
    const auto waiting = scene.next();
    CHECK(waiting.kind == Kind::fit);
    REQUIRE(!waiting.fit.description.options.empty());
    CHECK(waiting.fit.description.options[0].name == "file");
    CHECK(waiting.fit.description.options[0].kind == "path");
    CHECK(waiting.fit.description.options[0].required);
}

TEST_CASE("what is unfit is found so, with the reason") {
    Scene scene{"wrong_abi", "crashes_in_constructor", "not_elf", "no_symbol"};
    CHECK(scene.why("not_elf").find("is not a shared object") != std::string::npos);
    CHECK(scene.why("wrong_abi").find("is built for plugin ABI 99.0") != std::string::npos);
    CHECK(scene.why("no_symbol").find("exports no myq_plugin_entry()") != std::string::npos);
    CHECK(scene.why("crashes_in_constructor").find("(killed by SIGSEGV)") != std::string::npos);
}

TEST_CASE("how a probe ended is known, whoever has waited for it") {
    const PluginDir dir{"crashes_in_constructor"};
    PluginProbe probe(read_plugin(dir.path(), "crashes_in_constructor", 0), {}, std::nullopt);
    int status = 0;
    REQUIRE(::waitpid(probe.pid(), &status, 0) == probe.pid());
    probe.ended(status);
    REQUIRE(probe.advance());
    std::string reason;
    try {
        probe.result();
    } catch (const PluginError& e) {
        reason = e.what();
    }
    CHECK(reason.find("(killed by SIGSEGV)") != std::string::npos);
}

TEST_CASE("the configuration's options are judged by the new code") {
    Scene scene{"ledger"};
    QueueConfig queue;
    queue.name = "jobs";
    HandlerConfig handler;
    handler.plugin = "ledger";
    handler.where = "myq.yaml:9:7";
    queue.handlers = {handler};
    scene.plan.config.queues = {queue};
    CHECK(scene.why("ledger").starts_with(
        "myq.yaml:9:7: options.file: is missing; plugin ledger needs it"));
}

TEST_CASE("a file is looked at again only when it has changed") {
    Scene scene{"auto_42"};
    scene.inspector.inspect(scene.plan, "auto_42");
    REQUIRE(scene.next().kind == Kind::fit);
    scene.inspector.inspect(scene.plan, "auto_42");
    CHECK(scene.inspector.findings().empty());
    CHECK(!scene.inspector.next_look());
    std::filesystem::permissions(scene.dir.file("auto_42"), std::filesystem::perms{0666});
    CHECK(scene.why("auto_42").find("is writable by group or others") != std::string::npos);
    std::filesystem::remove(scene.dir.file("auto_42"));
    scene.inspector.inspect(scene.plan, "auto_42");
    CHECK(scene.next().kind == Kind::gone);
    scene.inspector.inspect(scene.plan, "auto_42");
    CHECK(scene.inspector.findings().empty());
}

TEST_CASE("the bytes of the code that runs are no news") {
    Scene scene{"auto_42"};
    scene.plan.plugins["auto_42"] = {read_plugin(scene.dir.path(), "auto_42", 0), {}, 0};
    scene.inspector.know(scene.plan, "auto_42");
    scene.inspector.inspect(scene.plan, "auto_42");
    CHECK(scene.inspector.findings().empty());
    std::filesystem::copy_file(scene.dir.file("auto_42"), scene.dir / "same");
    std::filesystem::rename(scene.dir / "same", scene.dir.file("auto_42"));
    scene.inspector.inspect(scene.plan, "auto_42");
    CHECK(scene.next().kind == Kind::as_before);
}

TEST_CASE("a plugin that hangs holds up no other, and a newer file ends its probe") {
    Scene scene{"hangs_in_constructor", "auto_42"};
    scene.inspector.inspect(scene.plan, "hangs_in_constructor");
    scene.inspector.inspect(scene.plan, "auto_42");
    CHECK(scene.next().plugin == "auto_42");
    CHECK(scene.inspector.fds().size() == 1);
    std::filesystem::copy_file(scene.dir.file("auto_42"), scene.dir / "good");
    std::filesystem::permissions(scene.dir / "good", std::filesystem::perms{0644});
    std::filesystem::rename(scene.dir / "good", scene.dir.file("hangs_in_constructor"));
    scene.inspector.inspect(scene.plan, "hangs_in_constructor");
    CHECK(scene.next().kind == Kind::fit);
}

TEST_CASE("a probe that is asked to start the handler tells why it does not start") {
    const PluginDir dir{"auto_42_no_start"};
    const auto image = read_plugin(dir.path(), "auto_42_no_start", 0);
    HandlerConfig handler;
    handler.where = "here";
    CHECK(probe_plugin(image, {&handler}, std::nullopt).problems.empty());
    std::string reason;
    try {
        probe_plugin(image, {&handler}, std::nullopt, ProbeDepth::start);
    } catch (const PluginError& e) {
        reason = e.what();
    }
    CHECK(reason.find("the printer is on fire") != std::string::npos);
}

}  // TEST_SUITE("plugin_inspector")
