#include "daemon/unix/directory_watch.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <string>
#include <system_error>

TEST_SUITE("directory_watch") {

using namespace myq;
using namespace myq::test;

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

// What happened is in the queue of inotify(7) when the call that did it has returned.
struct Scene {
    Scene() { fs::create_directory(dir); }

    TempDir top;
    fs::path dir = top.path() / "plugins";
};

}  // namespace

TEST_CASE("a watched directory tells of files that are complete, and of those that are gone") {
    const Scene scene;
    write_file(scene.dir / "old", "x");
    DirectoryWatch watch(scene.dir);
    CHECK(watch.news().written.empty());
    write_file(scene.dir / "made", "x");
    write_file(scene.top.path() / "outside", "x");
    fs::rename(scene.top.path() / "outside", scene.dir / "renamed");
    ::chmod((scene.dir / "old").c_str(), 0600);
    DirectoryWatch::News news = watch.news();
    CHECK(news.written == Names{"made", "renamed", "old"});
    CHECK(news.gone.empty());
    CHECK(!news.is_whole);
    fs::remove(scene.dir / "made");
    fs::rename(scene.dir / "renamed", scene.top.path() / "elsewhere");
    fs::remove(scene.dir / "old");
    write_file(scene.dir / "old", "y");
    news = watch.news();
    CHECK(news.gone == Names{"made", "renamed"});
    CHECK(news.written == Names{"old"});
    CHECK(watch.news().gone.empty());
}

TEST_CASE("what is only written to is no news before it is closed") {
    const Scene scene;
    DirectoryWatch watch(scene.dir);
    {
        std::ofstream half(scene.dir / "half");
        half << "x" << std::flush;
        CHECK(watch.news().written.empty());
    }
    CHECK(watch.news().written == Names{"half"});
}

TEST_CASE("a directory that is replaced is watched under its name, and looked through") {
    const Scene scene;
    DirectoryWatch watch(scene.dir);
    SUBCASE("by another directory") {
        fs::rename(scene.dir, scene.top.path() / "old");
        DirectoryWatch::News news = watch.news();
        CHECK(news.is_lost);
        CHECK(!watch.is_watching());
        CHECK(!watch.news().is_lost);  // once is enough
        fs::create_directory(scene.dir);
        news = watch.news();
        CHECK(news.is_whole);
        write_file(scene.top.path() / "old/stale", "x");
    }
    SUBCASE("after it was removed") {
        fs::remove(scene.dir);
        CHECK(watch.news().is_lost);
        fs::create_directory(scene.dir);
        CHECK(watch.news().is_whole);
    }
    CHECK(watch.is_watching());
    write_file(scene.dir / "fresh", "x");
    CHECK(watch.news().written == Names{"fresh"});
}

TEST_CASE("a symbolic link that comes to mean another directory is noticed") {
    const Scene scene;
    const fs::path link = scene.top.path() / "link";
    fs::create_directory(scene.top.path() / "second");
    fs::create_directory_symlink(scene.dir, link);
    DirectoryWatch watch(link);
    fs::create_directory_symlink(scene.top.path() / "second", scene.top.path() / "next");
    fs::rename(scene.top.path() / "next", link);
    CHECK(watch.news().is_whole);
    write_file(scene.top.path() / "second/fresh", "x");
    write_file(scene.dir / "stale", "x");
    CHECK(watch.news().written == Names{"fresh"});
}

TEST_CASE("a directory whose parent is gone too is found by looking again") {
    const Scene scene;
    const fs::path deep = scene.top.path() / "a/b";
    fs::create_directories(deep);
    DirectoryWatch watch(deep);
    fs::remove_all(scene.top.path() / "a");
    CHECK(watch.news().is_lost);
    CHECK(!watch.look_again());
    fs::create_directories(deep);
    CHECK(watch.look_again());
    write_file(deep / "fresh", "x");
    CHECK(watch.news().written == Names{"fresh"});
}

TEST_CASE("events that were lost are told of") {
    const Scene scene;
    const std::string limit = "/proc/sys/fs/inotify/max_queued_events";
    const std::string before = read_file(limit);
    write_file(limit, "2");
    DirectoryWatch watch(scene.dir);
    write_file(limit, before);
    for (int i = 0; i < 10; ++i)
        write_file(scene.dir / std::to_string(i), "x");
    CHECK(watch.news().is_whole);
    CHECK(watch.is_watching());
    CHECK(!watch.news().is_whole);
}

TEST_CASE("a directory that cannot be watched is a failure that says so") {
    const Scene scene;
    CHECK_THROWS_AS(DirectoryWatch(scene.dir / "nowhere"), std::system_error);
    const std::string limit = "/proc/sys/fs/inotify/max_user_watches";
    const std::string before = read_file(limit);
    write_file(limit, "0");
    std::error_code code;
    try {
        const DirectoryWatch watch(scene.dir);
    } catch (const std::system_error& e) {
        code = e.code();
    }
    write_file(limit, before);
    CHECK(code == std::errc::no_space_on_device);
}

}  // TEST_SUITE("directory_watch")
