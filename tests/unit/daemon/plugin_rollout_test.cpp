#include "daemon/plugin_rollout.hpp"
#include "tests/unit/daemon/plugin_dir.hpp"

#include <doctest/doctest.h>

#include <poll.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

TEST_SUITE("plugin_rollout") {

using namespace myq;
using namespace myq::test;

namespace {

// A daemon's plans without the daemon: what a supervisor would do with them, the test does.
struct Scene {
    Scene() {
        write_file(file, "plugins: {dir: " + dir.path().string() +
                             "}\nqueues:\n  - name: jobs\n    key: 0x6d797144\n");
        rollout.emplace(std::make_shared<const Plan>(make_plan(file, true)),
                        PluginRollout::Means{.config_file = file,
                                             .started_by_root = true,
                                             .journal = {dir.path(), {}},
                                             .bell_of = [this](const std::string&) { return bell; },
                                             .prepare = [](const Plan&) {}});
    }

    void replace(const std::string& by) const {
        std::filesystem::copy_file(std::filesystem::path(TEST_PLUGINS) / (by + ".so"), dir / "new");
        std::filesystem::permissions(dir / "new", std::filesystem::perms{0644});
        std::filesystem::rename(dir / "new", dir.file("auto_42"));
    }
    Delivery next() {
        for (;;) {
            rollout->look();
            if (auto delivery = rollout->next(current)) return std::move(*delivery);
            std::vector<pollfd> fds;
            for (const int fd : rollout->fds())
                fds.push_back({fd, POLLIN, 0});
            ::poll(fds.data(), fds.size(), 100);
        }
    }
    std::string version() const {
        return rollout->plan().plugins.at("auto_42").description.version;
    }

    PluginDir dir{"auto_42"};
    RunDir other;
    std::filesystem::path file = other / "myq.yaml";
    std::shared_ptr<const DueBell> bell = std::make_shared<const DueBell>(DueBell::never);
    std::optional<PluginRollout> rollout;
    Generation current;
};

}  // namespace

TEST_CASE("a replaced plugin is delivered with a canary, and is the plan once it is accepted") {
    Scene scene;
    scene.replace("auto_42_crashes");
    const Delivery delivery = scene.next();
    CHECK(delivery.canaries.size() == 1);
    CHECK(delivery.change("jobs", 42) == CodeChange::replaced);
    CHECK(delivery.change("jobs", 7) == CodeChange::none);
    CHECK(scene.version() == "1.0");
    scene.rollout->accepted();
    CHECK(scene.version() == "6.6");
}

TEST_CASE("code that is rejected after it was accepted is followed by that of before") {
    Scene scene;
    scene.replace("auto_42_crashes");
    scene.next();
    scene.rollout->accepted();
    scene.rollout->rejected("it died");
    CHECK(scene.next().canaries.empty());
    scene.rollout->accepted();
    CHECK(scene.version() == "1.0");
    CHECK(scene.rollout->history().refused.at("auto_42").reason.ends_with("it died"));
}

TEST_CASE("a reload before the code of before is back brings it back") {
    Scene scene;
    scene.replace("auto_42_crashes");
    scene.next();
    scene.rollout->accepted();
    scene.rollout->rejected("it died");
    scene.rollout->reload();
    scene.rollout->accepted();
    CHECK(scene.version() == "1.0");
    CHECK(!scene.rollout->next(scene.current));
}

}  // TEST_SUITE("plugin_rollout")
