// append on a disk without room: a file system of a few pages, in a world of the test's own.
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <sys/mount.h>

#include <filesystem>
#include <string>

TEST_SUITE("append_full_disk") {

namespace fs = std::filesystem;

namespace {

// 64 KiB of disk.
struct SmallDisk {
    fs::path path = "/run/small-disk";
    SmallDisk() {
        fs::create_directory(path);
        REQUIRE(mount("tmpfs", path.c_str(), "tmpfs", 0, "size=64k") == 0);
    }
    ~SmallDisk() { umount2(path.c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
};

}  // namespace

TEST_CASE("append: on a full disk the message is a retry and no piece of its line stays") {
    const SmallDisk disk;
    const fs::path file = disk.path / "file";
    StartedPlugin append("append", {{"file", {file}}});
    CHECK(append.handle("before") == Answer{MYQ_DONE, ""});
    const Answer full{MYQ_RETRY,
                      "cannot append to " + file.string() + ": write: No space left on device"};

    CHECK(append.handle(std::string(100'000, 'x')) == full);  // some of it fitted
    CHECK(contents(file) == "before\n");
    CHECK(take_log().empty());

    CHECK(append.handle("after") == Answer{MYQ_DONE, ""});
    CHECK(contents(file) == "before\nafter\n");
}

TEST_CASE("append: when there is room again, it goes on") {
    const SmallDisk disk;
    const fs::path file = disk.path / "file";
    StartedPlugin append("append", {{"file", {file}}});
    int lines = 0;
    while (append.handle(std::string(4095, 'x')).verdict == MYQ_DONE)
        ++lines;
    CHECK(contents(file).size() == static_cast<std::size_t>(lines) * 4096);

    fs::rename(file, disk.path / "file.1");
    fs::remove(disk.path / "file.1");
    CHECK(append.handle("room") == Answer{MYQ_DONE, ""});
    CHECK(contents(file) == "room\n");
}

}  // TEST_SUITE("append_full_disk")
