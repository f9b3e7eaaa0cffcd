#include "daemon/unix/directory_watch.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>

TEST_SUITE("directory_watch") {

using namespace myq;
using namespace myq::test;

namespace {

bool has_no_watch_left = false;

}  // namespace

// In place of the C library's. The kernel's limit is the whole machine's, and not ours to change.
extern "C" int inotify_add_watch(int fd, const char* path, std::uint32_t events) noexcept {
    if (!has_no_watch_left)
        return static_cast<int>(::syscall(SYS_inotify_add_watch, fd, path, events));
    errno = ENOSPC;
    return -1;
}

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

// More than the kernel keeps, by turns, since one like the last before it is none of its own.
TEST_CASE("events that were lost are told of") {
    const Scene scene;
    DirectoryWatch watch(scene.dir);
    const int kept = std::stoi(read_file("/proc/sys/fs/inotify/max_queued_events"));
    for (int i = 0; i <= kept + 1; ++i)
        write_file(scene.dir / (i % 2 == 0 ? "even" : "odd"), "x");
    CHECK(watch.news().is_whole);
    CHECK(watch.is_watching());
    CHECK(!watch.news().is_whole);
}

TEST_CASE("a directory that cannot be watched is a failure that says so") {
    const Scene scene;
    CHECK_THROWS_AS(DirectoryWatch(scene.dir / "nowhere"), std::system_error);
    std::error_code code;
    has_no_watch_left = true;
    try {
        const DirectoryWatch watch(scene.dir);
    } catch (const std::system_error& e) {
        code = e.code();
    }
    has_no_watch_left = false;
    CHECK(code == std::errc::no_space_on_device);
}

}  // TEST_SUITE("directory_watch")
