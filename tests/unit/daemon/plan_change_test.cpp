#include "daemon/make_generation.hpp"
#include "daemon/plan_change.hpp"
#include "daemon/route_plugins.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

TEST_SUITE("plan_change") {

using namespace myq;

namespace {

using Names = std::set<std::string>;

std::shared_ptr<const PluginImage> image(const std::string& name) {
    return std::make_shared<const PluginImage>(PluginImage{name, "/p/" + name + ".so", Fd{}});
}

FitPlugin plugin(const std::string& name, std::vector<std::int64_t> types) {
    return {image(name), {name, "1", std::move(types), {}}, 0};
}

// Two queues: in "a" the configuration gives type 1 to `one` and the rest to `rest`; "b" has no
// handler of its own.
std::shared_ptr<const Plan> plan(const FitPlugins& plugins) {
    Plan first;
    first.config.plugins.dir = "/p";
    QueueConfig a;
    a.name = "a";
    a.handlers.resize(2);
    a.handlers[0].type = 1;
    a.handlers[0].plugin = "one";
    a.handlers[1].plugin = "rest";
    QueueConfig b;
    b.name = "b";
    first.config.queues = {a, b};
    return std::make_shared<const Plan>(with_plugins(first, plugins));
}

const FitPlugin one = plugin("one", {1});
const FitPlugin rest = plugin("rest", {});

}  // namespace

TEST_CASE("nothing changes where every plugin is the same") {
    const PlanChange change(plan({{"one", one}, {"rest", rest}}),
                            plan({{"one", one}, {"rest", rest}, {"idle", plugin("idle", {})}}));
    CHECK(change.queues().empty());
    CHECK(change.queues_with_new_code().empty());
    CHECK(change.of("a", 1) == CodeChange::none);
    CHECK(change.of("nowhere", 1) == CodeChange::none);
}

TEST_CASE("other code for one handler is that for its types only") {
    const PlanChange change(plan({{"one", one}, {"rest", rest}}),
                            plan({{"one", plugin("one", {1})}, {"rest", rest}}));
    CHECK(change.queues() == Names{"a"});
    CHECK(change.queues_with_new_code() == Names{"a"});
    CHECK(change.of("a", 1) == CodeChange::replaced);
    CHECK(change.of("a", 2) == CodeChange::none);
    CHECK(change.of("a", 0) == CodeChange::none);
}

TEST_CASE("other code for whoever takes any type is that for every type but the others'") {
    const PlanChange change(plan({{"one", one}, {"rest", rest}}),
                            plan({{"one", one}, {"rest", plugin("rest", {})}}));
    CHECK(change.of("a", 1) == CodeChange::none);
    CHECK(change.of("a", 2) == CodeChange::replaced);
    CHECK(change.of("a", 0) == CodeChange::replaced);
}

TEST_CASE("a plugin that routes itself is added where nobody has its type") {
    const PlanChange change(plan({{"one", one}, {"rest", rest}}),
                            plan({{"one", one}, {"rest", rest}, {"new", plugin("new", {1, 5})}}));
    CHECK(change.queues() == Names{"a", "b"});
    CHECK(change.of("a", 5) == CodeChange::added);  // `rest` had it
    CHECK(change.of("a", 1) == CodeChange::none);   // `one` keeps it
    CHECK(change.of("b", 1) == CodeChange::added);
}

TEST_CASE("a plugin that is gone is no new code, and its types go to whoever takes any") {
    const auto after = plan({{"rest", rest}});
    const PlanChange change(plan({{"one", one}, {"rest", rest}}), after);
    CHECK(change.queues() == Names{"a"});
    CHECK(change.queues_with_new_code().empty());
    CHECK(after->queues[0].routes.size() == 1);
    // The configuration gives the type to it, and so to nobody else.
    const auto greedy = plan({{"rest", rest}, {"greedy", plugin("greedy", {1})}});
    CHECK(greedy->queues[0].routes.size() == 1);
    REQUIRE(greedy->refusals.size() == 1);
    CHECK(greedy->refusals[0].reason ==
          "/p/greedy.so: type 1 of queue a is already handled by plugin one");
}

TEST_CASE("who waits for a type gets it when the other is gone, and whoever has it keeps it") {
    const FitPlugins both{
        {"one", one}, {"rest", rest}, {"x", plugin("x", {5})}, {"y", plugin("y", {5})}};
    const auto before = plan(both);
    CHECK(before->auto_routed == Names{"x"});
    FitPlugins without = both;
    without.erase("x");
    const auto after = std::make_shared<const Plan>(with_plugins(*before, without));
    CHECK(after->auto_routed == Names{"y"});
    CHECK(after->refusals.empty());
    const Plan again = with_plugins(*after, both);
    CHECK(again.auto_routed == Names{"y"});
    REQUIRE(again.refusals.size() == 2);  // one for each queue
    CHECK(again.refusals[0].plugin == "x");
}

TEST_CASE("renewed queues get the new workers, the others keep theirs") {
    const auto generation = [](const std::string& mark) {
        Generation made;
        for (const std::string queue : {"a", "b"}) {
            auto spec = std::make_shared<WorkerSpec>();
            spec->queue = queue;
            made.workers.push_back(spec);
            made.on_demand.emplace_back().spec = spec;
            made.drains.push_back({spec, spec});
        }
        made.stop_timeout = std::chrono::milliseconds{mark == "new" ? 2 : 1};
        return made;
    };
    const Generation old = generation("old");
    const Generation fresh = generation("new");
    const Generation mixed = renew_queues(old, fresh, {"b"});
    REQUIRE(mixed.workers.size() == 2);
    CHECK(mixed.workers[0] == fresh.workers[1]);
    CHECK(mixed.workers[1] == old.workers[0]);
    CHECK(mixed.on_demand[1].spec == old.workers[0]);
    CHECK(mixed.drains[0].queue == fresh.workers[1]);
    CHECK(mixed.stop_timeout.count() == 2);
}

}  // TEST_SUITE("plan_change")
