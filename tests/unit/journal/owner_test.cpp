// Files of other people, in a world of the test's own: it takes root to make them.
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/journal/scratch_journal.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

TEST_SUITE("owner") {

using namespace myq;
using namespace myq::test;
namespace fs = std::filesystem;

namespace {

constexpr uid_t nobody = 65534;

struct Refusal {
    JournalError::Kind kind = JournalError::Kind::other;
    std::string sentence = "it was opened";
};

Refusal refusal(const fs::path& directory) {
    try {
        const Journal journal(directory, {}, true);
    } catch (const JournalError& error) {
        return {error.kind(), error.what()};
    }
    return {};
}

}  // namespace

TEST_CASE("a journal, or its lock, of somebody else is refused, even by root") {
    const TempDir dir;
    { const Journal journal(dir.path(), {}, true); }
    for (const char* name : {"journal.db", "journal.lock"}) {
        const fs::path file = dir.path() / name;
        REQUIRE(::chown(file.c_str(), nobody, nobody) == 0);
        const Refusal refused = refusal(dir.path());
        CHECK(refused.kind == JournalError::Kind::denied);
        CHECK(refused.sentence ==
              file.string() + ": belongs to uid 65534, and this is uid 0: run it as the owner");
        REQUIRE(::chown(file.c_str(), 0, 0) == 0);
    }
    CHECK(refusal(dir.path()).sentence == "it was opened");
}

TEST_CASE("who may not enter the directory, or not write in it, is told so") {
    const TempDir dir;
    { const Journal journal(dir.path(), {}, true); }
    const auto denied = [&] {
        return as_nobody([&] {
            const Refusal refused = refusal(dir.path());
            if (!refused.sentence.starts_with(dir.path().string())) return 1;
            return refused.kind == JournalError::Kind::denied ? 0 : 2;
        });
    };
    CHECK(denied() == 0);  // somebody else's file
    fs::remove(dir.path() / "journal.db");
    CHECK(denied() == 0);  // may not make one
    ::chmod(dir.path().c_str(), 0700);
    CHECK(denied() == 0);  // may not look
}

TEST_CASE("a journal that its owner may only read is refused for writing, with the reason") {
    const TempDir dir;
    REQUIRE(::chown(dir.path().c_str(), nobody, nobody) == 0);
    CHECK(as_nobody([&] {
              { const Journal journal(dir.path(), {}, true); }
              if (::chmod((dir.path() / "journal.db").c_str(), 0400) != 0) return 1;
              const Refusal refused = refusal(dir.path());
              return refused.kind == JournalError::Kind::denied ? 0 : 2;
          }) == 0);
}

}  // TEST_SUITE("owner")
