#include "daemon/plugin_watch.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <string>

TEST_SUITE("plugin_watch") {

using namespace myq;
using namespace myq::test;

namespace {

using Names = std::set<std::string>;
using std::chrono::milliseconds;

// A clock that stands still until it is told otherwise.
struct Scene {
    Names after(milliseconds time) {
        now += time;
        return watch.settled(now).names;
    }
    void touch(const char* file) const { write_file(dir.path() / file, "x"); }

    TempDir dir;
    PluginWatch watch{dir.path()};
    PluginWatch::Clock::time_point now = PluginWatch::Clock::now();
};

}  // namespace

TEST_CASE("a changed file is told of when it has come to rest, and once") {
    Scene scene;
    CHECK(!scene.watch.next_look());
    scene.touch("resize.so");
    CHECK(scene.after(milliseconds{0}).empty());
    REQUIRE(scene.watch.next_look());
    scene.touch("resize.so");  // again
    CHECK(scene.after(milliseconds{40}).empty());
    CHECK(scene.after(milliseconds{40}).empty());
    scene.now = *scene.watch.next_look();
    CHECK(scene.after(milliseconds{0}) == Names{"resize"});
    CHECK(scene.after(milliseconds{1'000}).empty());
    CHECK(!scene.watch.next_look());
}

TEST_CASE("a file that is removed and made anew is no file that was removed") {
    Scene scene;
    scene.touch("resize.so");
    scene.after(milliseconds{0});
    REQUIRE(scene.after(milliseconds{1'000}) == Names{"resize"});
    std::filesystem::remove(scene.dir.path() / "resize.so");
    scene.after(milliseconds{0});
    CHECK(scene.after(milliseconds{200}).empty());
    scene.touch("resize.so");
    scene.after(milliseconds{0});
    CHECK(scene.after(milliseconds{60}) == Names{"resize"});
    CHECK(scene.after(milliseconds{1'000}).empty());
}

TEST_CASE("left-overs of editors and package managers are not told of") {
    Scene scene;
    for (const char* name :
         {"a.so~", "a.so.dpkg-new", "a.so.dpkg-tmp", "a.so.dpkg-old", ".a.so.swp", ".a.so",
          "#a.so#", "a.so.bak", "A.so", "a", "a.so.1", ".so", "a b.so", "a.o"}) {
        scene.touch(name);
    }
    scene.after(milliseconds{0});
    CHECK(!scene.watch.next_look());
    CHECK(scene.after(milliseconds{1'000}).empty());
}

TEST_CASE("a directory that is gone is looked for now and then, however often it is asked for") {
    Scene scene;
    const auto dir = scene.dir.path() / "a/plugins";
    std::filesystem::create_directories(dir);
    PluginWatch watch(dir);
    std::filesystem::remove_all(scene.dir.path() / "a");
    CHECK(watch.settled(scene.now).is_lost);
    std::filesystem::create_directories(dir);
    for (int i = 0; i < 9; ++i)
        CHECK(!watch.settled(scene.now += milliseconds{100}).is_whole);
    watch.settled(scene.now += milliseconds{100});  // found
    CHECK(watch.settled(scene.now += milliseconds{400}).is_whole);
    CHECK(!watch.next_look());
}

}  // TEST_SUITE("plugin_watch")
