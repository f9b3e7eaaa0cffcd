// A journal that is not what it was: F26.
#include "tests/faults/disk_senders.hpp"
#include "tests/faults/expect.hpp"
#include "tests/faults/stage.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

TEST_SUITE("disk_damage") {

using namespace myq;
using namespace myq::test;

namespace fs = std::filesystem;

namespace {

constexpr int os_error = 71;
constexpr std::uintmax_t page = 4096;

fs::path journal_of(const Stage& stage) {
    return stage.daemon.journal_dir() / "journal.db";
}

void overwrite(const fs::path& file, std::uintmax_t from, std::uintmax_t size) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    const std::string noise(size, '\xA5');
    const ssize_t n = ::pwrite(fd, noise.data(), size, static_cast<off_t>(from));
    ::close(fd);
    REQUIRE(n == static_cast<ssize_t>(size));
}

// Some hundred messages that are not due yet.
void fill_journal(Stage& stage) {
    ConfirmedSenders load(stage.daemon.queue(), stage.checker, {300, 1, [](std::size_t) {
                                                                    return Wish{{}, 3'600'000};
                                                                }});
    load.wait();
    REQUIRE(load.answered(ConfirmStatus::accepted) == 300);
}

// Stops the daemon with all that it wrote in one file. Connections that close at the same moment
// may each leave the write-ahead log to the other, and then what is damaged in the file is whole
// there.
void stop_in_one_file(const Stage& stage) {
    REQUIRE(stage.daemon.stop().exit_code == 0);
    while (fs::exists(journal_of(stage).string() + "-wal")) {
        REQUIRE(stage.daemon.start().exit_code == 0);
        REQUIRE(stage.daemon.stop().exit_code == 0);
    }
}

void move_away(const Stage& stage) {
    fs::copy_file(journal_of(stage), "/mnt/damaged.db", fs::copy_options::overwrite_existing);
    fs::remove(journal_of(stage));
}

}  // namespace

TEST_CASE(
    "F26: a damaged journal: the start says so in one line, with what to do, and that helps") {
    struct Row {
        const char* what;
        std::function<void(const fs::path&)> damage;
        const char* sentence;
    };
    const Row rows[] = {
        {"its head", [](const fs::path& file) { overwrite(file, 0, page); },
         "is no SQLite database: move it away, and a new one is made"},
        {"all but its head",
         [](const fs::path& file) { overwrite(file, page, fs::file_size(file) - page); },
         "stop myqd, move the file away, and save what is whole of it with sqlite3's .recover"},
        {"cut in the middle",
         [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) / page / 2 * page); },
         "stop myqd, move the file away, and save what is whole of it with sqlite3's .recover"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.what));
        Stage stage({});
        REQUIRE(stage.daemon.start().exit_code == 0);
        fill_journal(stage);
        stop_in_one_file(stage);
        row.damage(journal_of(stage));
        const Run start = stage.daemon.start();
        CHECK(start.exit_code == os_error);
        CHECK_MESSAGE(start.err.find(journal_of(stage).string()) != std::string::npos, start.err);
        CHECK_MESSAGE(start.err.find(row.sentence) != std::string::npos, start.err);
        CHECK(count(start.err, "\n") == 1);
        move_away(stage);
        REQUIRE(stage.daemon.start().exit_code == 0);
        CHECK(stage.checker.probe());
    }
}

TEST_CASE("F26: a journal that is damaged under a running daemon: what needs none is handled, and "
          "what needs one is kept until there is one again") {
    Stage stage({.receivers = 2, .attempts = 1});
    REQUIRE(stage.daemon.start().exit_code == 0);
    fill_journal(stage);
    stop_in_one_file(stage);
    REQUIRE(stage.daemon.start().exit_code == 0);
    const fs::path file = journal_of(stage);
    overwrite(file, page, fs::file_size(file) - page);
    const std::size_t rejected = stage.checker.sent();
    REQUIRE(stage.checker.send(stage.daemon.queue(), 1, "reject", Checker::Fate::again));
    CHECK(stage.daemon.logged("messages are kept where they are until it works again"));
    CHECK(stage.daemon.log().find("is damaged") != std::string::npos);
    for (int i = 0; i < 100; ++i)
        CHECK(stage.checker.probe());
    REQUIRE(stage.daemon.stop().exit_code == 0);
    move_away(stage);
    REQUIRE(stage.daemon.start().exit_code == 0);
    CHECK(stage.daemon.logged("is dead: "));
    CHECK(stage.checker.times(rejected) >= 1);
}

}  // TEST_SUITE("disk_damage")
