#include "daemon/slot.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/run_dir.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <system_error>

TEST_SUITE("slot_file") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::size_t capacity = 100'000;

}  // namespace

TEST_CASE("a new slot is empty, and every page of it is there") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    CHECK(file.name() == "q.0");
    CHECK(file.body_capacity() == capacity);
    CHECK(!file.view().occupied);
    CHECK(file.view().messages == 0);
    struct stat st {};
    REQUIRE(fstat(file.fd().value(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0600);
    CHECK(st.st_size >= static_cast<off_t>(slot_header_size + 8 + capacity));
    CHECK(st.st_blocks * 512 >= st.st_size);

    const Slot slot(file);
    CHECK(!slot.occupied());
    CHECK(slot.body().empty());
}

TEST_CASE("an occupied slot of another size is kept as it is") {
    const RunDir dir;
    {
        const SlotFile file(dir.path(), "q.0", 2 * page);
        Slot slot(file);
        receive(slot, 3, "precious");
    }
    for (const std::size_t wanted : {std::size_t{1}, 2 * page, 20 * page}) {
        CAPTURE(wanted);
        const SlotFile file(dir.path(), "q.0", wanted);
        CHECK(file.body_capacity() == 2 * page);
        CHECK(file.view().occupied);
        CHECK(text_of(Slot(file)) == "precious");
    }
}

TEST_CASE("an empty slot is kept as it is until its last message is counted") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q.0", capacity);
    // Killed behind the acknowledgement: see Slot::settle().
    put<std::uint64_t>(file, offsetof(SlotHeader, settling_count), 1);
    put<std::uint32_t>(file, offsetof(SlotHeader, settling_place), 1);
    CHECK(file.view().occupied);
    const SlotFile wanted(dir.path(), "q.0", 2 * capacity);
    CHECK(wanted.body_capacity() == capacity);
    CHECK(!Slot(wanted).occupied());
    CHECK(settled(wanted, Tally::handled) == 1);
    CHECK(!wanted.view().occupied);
    CHECK(settled(SlotFile(dir.path(), "q.0", 2 * capacity), Tally::handled) == 1);
}

TEST_CASE("an empty slot of another size is made anew") {
    const RunDir dir;
    for (const std::size_t wanted : {2 * page, 20 * page, page / 2}) {
        CAPTURE(wanted);
        const SlotFile file(dir.path(), "q.0", wanted);
        CHECK(file.body_capacity() == wanted);
        struct stat st {};
        REQUIRE(fstat(file.fd().value(), &st) == 0);
        CHECK(st.st_size < static_cast<off_t>(wanted + slot_header_size + 2 * page));
        CHECK(st.st_blocks * 512 >= st.st_size);
        Slot slot(file);
        receive(slot, 3, std::string(wanted, 'x'));
        CHECK(text_of(slot) == std::string(wanted, 'x'));
        slot.settle(Tally::handled);
    }
}

TEST_CASE("a file that is no slot is made one") {
    const RunDir dir;
    const std::string noise(3 * page, 'n');
    for (const std::string& content : {std::string("x"), noise, noise + "and a half"}) {
        CAPTURE(content.size());
        write_file(dir / "q.0", content);
        const SlotFile file(dir.path(), "q.0", capacity);
        CHECK(!file.view().occupied);
        CHECK(settled(file, Tally::handled) == 0);
        CHECK(!Slot(file).occupied());
    }
}

TEST_CASE("a slot is never opened through a symbolic link, and its path is in the sentence") {
    const RunDir dir;
    write_file(dir / "victim", "mine");
    std::filesystem::create_symlink(dir / "victim", dir / "q.0");
    const std::string sentence = "cannot make the slot " + (dir / "q.0").string();
    CHECK_THROWS_WITH_AS(SlotFile(dir.path(), "q.0", capacity), doctest::Contains(sentence.c_str()),
                         std::system_error);
    CHECK(read_file(dir / "victim") == "mine");
}

TEST_CASE("a slot without a file outlives its worker") {
    const SlotFile file(capacity);
    REQUIRE(in_child([&] {
                Slot slot(file);
                receive(slot, 3, "precious");
                slot.begin_attempt(0);
                raise(SIGKILL);
                return 0;
            }) == -SIGKILL);
    const Slot slot(file);
    CHECK(slot.attempts() == 1);
    CHECK(text_of(slot) == "precious");
}

}  // TEST_SUITE("slot_file")
