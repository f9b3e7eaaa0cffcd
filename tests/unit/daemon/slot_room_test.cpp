#include "daemon/slot.hpp"
#include "tests/unit/daemon/run_dir.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"

#include <doctest/doctest.h>

#include <sys/mount.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <string>
#include <system_error>

TEST_SUITE("slot_room") {

using namespace myq;
using namespace myq::test;

namespace {

// A file system with room for 256 KiB.
class SmallTmpfs {
public:
    SmallTmpfs() {
        if (::mount("tmpfs", dir_.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
            throw std::system_error(errno, std::generic_category(), "mount");
        }
    }
    ~SmallTmpfs() { ::umount2(dir_.path().c_str(), MNT_DETACH); }
    SmallTmpfs(const SmallTmpfs&) = delete;
    SmallTmpfs& operator=(const SmallTmpfs&) = delete;

    const std::filesystem::path& path() const { return dir_.path(); }
    unsigned long free_blocks() const {
        struct statvfs st {};
        ::statvfs(dir_.path().c_str(), &st);
        return st.f_bfree;
    }

private:
    RunDir dir_;
};

}  // namespace

TEST_CASE("where there is no room for a slot, making it fails at once and takes no room") {
    const SmallTmpfs tmpfs;
    const unsigned long before = tmpfs.free_blocks();
    try {
        const SlotFile file(tmpfs.path(), "q.0", 1'000'000);
        FAIL("made");
    } catch (const std::system_error& e) {
        CHECK(std::string(e.what()) == "no room for the slot q.0: No space left on device");
        CHECK(e.code().value() == ENOSPC);
    }
    CHECK(tmpfs.free_blocks() == before);
}

TEST_CASE("a slot that was made can be used to its last byte on a full file system") {
    const SmallTmpfs tmpfs;
    const SlotFile file(tmpfs.path(), "q.0", 100'000);
    write_file(tmpfs.path() / "rest", std::string(1'000'000, 'x'));
    REQUIRE(tmpfs.free_blocks() == 0);
    Slot slot(file);
    receive(slot, 1, std::string(100'000, 'y'));
    CHECK(text_of(slot) == std::string(100'000, 'y'));
}

TEST_CASE("an empty slot that cannot grow stays as it was, also for those who have it open") {
    const SmallTmpfs tmpfs;
    const SlotFile file(tmpfs.path(), "q.0", page);
    {
        Slot slot(file);
        receive(slot, 1, "x");
        slot.settle(Tally::handled);
    }
    CHECK_THROWS_WITH_AS(SlotFile(tmpfs.path(), "q.0", 1'000'000),
                         doctest::Contains("no room for the slot q.0"), std::system_error);
    CHECK(!file.view().occupied);
    CHECK(settled(file, Tally::handled) == 1);
    Slot slot(file);
    receive(slot, 1, std::string(page, 'y'));
    CHECK(text_of(slot) == std::string(page, 'y'));
}

}  // TEST_SUITE("slot_room")
