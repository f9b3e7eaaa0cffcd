// A file that something else has written into.
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

TEST_SUITE("damage") {

using namespace myq;
using namespace myq::test;
namespace fs = std::filesystem;

namespace {

constexpr std::streamoff page = 4096;

// A closed journal of 200 messages, 50 of them dead.
class Closed {
public:
    Closed() {
        Journal journal(dir_.path(), {}, true);
        journal.transact(Survives::power_cut, [&] {
            const std::int64_t queue = journal.queue_number("jobs");
            for (int i = 0; i < 150; ++i)
                journal.insert(queue, message(1, std::string(500, 'x')));
            for (int i = 0; i < 50; ++i)
                journal.insert(queue, dead(1, std::string(500, 'x'), "why"));
        });
    }
    const fs::path& directory() const { return dir_.path(); }
    fs::path file() const { return dir_.path() / "journal.db"; }
    std::streamoff pages() const {
        return static_cast<std::streamoff>(fs::file_size(file())) / page;
    }
    void overwrite(std::streamoff at, std::string_view bytes) const {
        std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(at);
        stream << bytes;
    }

private:
    TempDir dir_;
};

// Where a page of rows begins; pages further up in the tree may have old rows in them too.
std::streamoff first_leaf_of_bodies(const Closed& closed) {
    const std::string bytes = read_file(closed.file());
    for (std::size_t at = 0; at < bytes.size(); at += page) {
        const std::string_view leaf = std::string_view(bytes).substr(at, page);
        if (leaf[0] == 0x0d && leaf.find(std::string(400, 'x')) != leaf.npos) {
            return static_cast<std::streamoff>(at);
        }
    }
    return -1;
}

std::string checked(const fs::path& directory) {
    try {
        Journal journal(directory, {}, false);
        return journal.check();
    } catch (const JournalError& error) {
        CHECK(error.kind() == JournalError::Kind::corrupt);
        return error.what();
    }
}

}  // namespace

TEST_CASE("a journal that nobody touched is sound") {
    const Closed closed;
    CHECK(checked(closed.directory()).empty());
}

TEST_CASE("whichever page is overwritten, check says so") {
    const std::streamoff pages = Closed().pages();
    REQUIRE(pages > 20);
    for (std::streamoff number = 1; number < pages; ++number) {
        CAPTURE(number);
        const Closed closed;
        closed.overwrite(number * page, std::string(16, '\x5a'));
        CHECK_FALSE(checked(closed.directory()).empty());
    }
}

TEST_CASE("a journal whose first page is damaged is refused, with the file's name") {
    for (const std::streamoff at : {0, 16, 100}) {
        CAPTURE(at);
        const Closed closed;
        closed.overwrite(at, std::string(16, '\x5a'));
        const std::string found = checked(closed.directory());
        CHECK(found.starts_with(closed.file().string() + ": is "));
    }
}

TEST_CASE("a journal that was cut off is refused or found out") {
    const Closed closed;
    fs::resize_file(closed.file(), static_cast<std::uintmax_t>(closed.pages() / 2 * page));
    CHECK_FALSE(checked(closed.directory()).empty());
}

TEST_CASE("what is damaged is said by whoever meets it, and what is whole goes on") {
    const Closed closed;
    closed.overwrite(first_leaf_of_bodies(closed), std::string(16, '\x5a'));

    Journal journal(closed.directory(), {}, false);
    try {
        journal.list({}, 0, [](const JournalEntry&) {});
        FAIL("the damage was not seen");
    } catch (const JournalError& error) {
        CHECK(error.kind() == JournalError::Kind::corrupt);
        CHECK(std::string(error.what()) ==
              closed.file().string() +
                  ": is damaged (database disk image is malformed): stop myqd, move the file away, "
                  "and save what is whole of it with sqlite3's .recover");
    }
    JournalFilter last;
    last.rows = {200};
    std::size_t whole = 0;
    journal.list(last, 0, [&](const JournalEntry&) { ++whole; });
    CHECK(whole == 1);
}

}  // TEST_SUITE("damage")
