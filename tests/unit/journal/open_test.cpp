// Which files are taken for a journal, and what is said of the others.
#include "journal/sqlite.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>

TEST_SUITE("open") {

using namespace myq;
using namespace myq::test;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return 0;
    return status.st_mode & 07777U;
}

struct Refusal {
    JournalError::Kind kind = JournalError::Kind::other;
    std::string sentence = "it was opened";
};

Refusal refusal(const fs::path& directory, bool create = true) {
    try {
        const Journal journal(directory, {}, create);
    } catch (const JournalError& error) {
        return {error.kind(), error.what()};
    }
    return {};
}

// An SQLite database that is not ours.
void make_database(const fs::path& file, const std::string& sql) {
    write_file(file, "");
    Database(file).run(sql);
}

}  // namespace

TEST_CASE("a journal is made on demand only, and opened again with what is in it") {
    const TempDir dir;
    const Refusal none = refusal(dir.path(), false);
    CHECK(none.kind == JournalError::Kind::missing);
    CHECK(none.sentence == (dir.path() / "journal.db").string() +
                               ": there is no such file: myqd makes it when it starts");
    CHECK(fs::is_empty(dir.path()));
    {
        Journal journal(dir.path(), {}, true);
        journal.transact(Survives::kill,
                         [&] { journal.insert(journal.queue_number("jobs"), message(1, "x")); });
    }
    Journal again(dir.path(), {}, false);
    CHECK(again.find(1, 0).has_value());
}

TEST_CASE("its files are for the owner alone, whatever the umask") {
    for (const mode_t mask : {0000U, 0022U, 0277U, 0777U}) {
        CAPTURE(mask);
        const TempDir dir;
        const mode_t before = ::umask(mask);
        {
            Journal journal(dir.path(), {}, true);
            journal.transact(Survives::kill, [&] { journal.queue_number("jobs"); });
            ::umask(before);
            for (const char* name :
                 {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock"}) {
                CAPTURE(name);
                CHECK(mode_of(dir.path() / name) == 0600);
            }
        }
    }
}

TEST_CASE("no descriptor of it is inherited") {
    const ScratchJournal journal;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
        std::error_code gone;  // the one that reads the directory
        const std::string target = fs::read_symlink(entry.path(), gone).string();
        if (!target.starts_with(journal.directory().string())) continue;
        CAPTURE(target);
        const int flags = ::fcntl(std::stoi(entry.path().filename().string()), F_GETFD);
        CHECK((flags & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("a directory that is missing is said") {
    const TempDir dir;
    const Refusal missing = refusal(dir.path() / "none");
    CHECK(missing.kind == JournalError::Kind::missing);
    CHECK(missing.sentence.starts_with((dir.path() / "none").string() + ": "));
}

TEST_CASE("an administrator may have put the directory elsewhere") {
    const TempDir dir;
    fs::create_directory(dir.path() / "real");
    fs::create_directory_symlink(dir.path() / "real", dir.path() / "link");
    const Journal journal(dir.path() / "link", {}, true);
    CHECK(fs::exists(dir.path() / "real/journal.db"));
}

TEST_CASE("what is no regular file is refused, and not followed") {
    const TempDir dir;
    const fs::path file = dir.path() / "journal.db";
    write_file(dir.path() / "elsewhere", "");

    fs::create_symlink(dir.path() / "elsewhere", file);
    CHECK(refusal(dir.path()).kind == JournalError::Kind::denied);
    CHECK(refusal(dir.path()).sentence ==
          file.string() + ": is a symbolic link: put the file itself there");
    fs::remove(file);
    fs::create_symlink(dir.path() / "nowhere", file);
    CHECK(refusal(dir.path()).kind == JournalError::Kind::denied);
    CHECK_FALSE(fs::exists(dir.path() / "nowhere"));
    fs::remove(file);
    fs::create_directory(file);
    CHECK(refusal(dir.path()).sentence == file.string() + ": is not a regular file: move it away");
    fs::remove(file);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(refusal(dir.path()).kind == JournalError::Kind::denied);
    fs::remove(file);

    const fs::path lock = dir.path() / "journal.lock";
    REQUIRE(::mkfifo(lock.c_str(), 0600) == 0);
    CHECK(refusal(dir.path()).kind == JournalError::Kind::denied);
    fs::remove(lock);
    fs::create_symlink(dir.path() / "elsewhere", lock);
    CHECK(refusal(dir.path()).kind == JournalError::Kind::denied);
}

TEST_CASE("a file that is no database is no journal, and stays as it is") {
    const TempDir dir;
    const fs::path file = dir.path() / "journal.db";
    const std::string text(5000, 'x');
    write_file(file, text);
    const Refusal refused = refusal(dir.path());
    CHECK(refused.kind == JournalError::Kind::corrupt);
    CHECK(refused.sentence ==
          file.string() + ": is no SQLite database: move it away, and a new one is made");
    CHECK(read_file(file) == text);
}

TEST_CASE("a database of another program is no journal, and stays as it is") {
    const TempDir dir;
    const fs::path file = dir.path() / "journal.db";
    for (const char* sql : {"CREATE TABLE theirs(x)", "PRAGMA application_id = 77",
                            "CREATE TABLE message(id); PRAGMA user_version = 1"}) {
        CAPTURE(sql);
        make_database(file, sql);
        const std::string before = read_file(file);
        const Refusal refused = refusal(dir.path());
        CHECK(refused.kind == JournalError::Kind::corrupt);
        CHECK(refused.sentence == file.string() + ": is a database, but no journal of myq's: move "
                                                  "it away, and a new one is made");
        CHECK(read_file(file) == before);
    }
}

TEST_CASE("a journal of a newer myq is left to it") {
    const TempDir dir;
    const fs::path file = dir.path() / "journal.db";
    { const Journal journal(dir.path(), {}, true); }
    Database(file).run("PRAGMA user_version = 3");
    const Refusal refused = refusal(dir.path());
    CHECK(refused.kind == JournalError::Kind::corrupt);
    CHECK(refused.sentence == file.string() + ": has format 3, and this myq knows 2 only: a newer "
                                              "myq wrote it, install that one again");
}

TEST_CASE("a journal that was only begun when the machine went down is completed") {
    const TempDir dir;
    write_file(dir.path() / "journal.db", "");
    Journal journal(dir.path(), {}, true);
    CHECK(journal.check().empty());
}

TEST_CASE("of many processes that open a new journal at once, each gets it") {
    const TempDir dir;
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
        children.push_back(fork_child([&] {
            Journal journal(dir.path(), {}, true);
            journal.transact(Survives::kill, [&] {
                journal.insert(journal.queue_number("jobs"), message(1, "x"));
            });
            return 0;
        }));
    }
    for (const pid_t child : children)
        CHECK(wait_for(child) == 0);
    Journal journal(dir.path(), {}, false);
    CHECK(journal.counts(0).at(0).counts.ready == 8);
}

}  // TEST_SUITE("open")
