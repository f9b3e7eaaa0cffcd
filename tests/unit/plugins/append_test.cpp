#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

TEST_SUITE("append") {

namespace fs = std::filesystem;

namespace {

OptionMap into(const fs::path& file) {
    return {{"file", {file}}};
}

mode_t mode_of(const fs::path& file) {
    struct stat status {};
    REQUIRE(stat(file.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

const Answer done{MYQ_DONE, ""};

}  // namespace

TEST_CASE("append: one message is one line, whatever is in it") {
    const TempDir dir;
    StartedPlugin append("append", into(dir / "file"));
    CHECK(append.handle("plain") == done);
    CHECK(append.handle("") == done);
    CHECK(append.handle("two\nlines\n") == done);
    CHECK(append.handle("C:\\new\\\n") == done);
    CHECK(append.handle(std::string("\0\r\xff", 3)) == done);
    CHECK(contents(dir / "file") ==
          "plain\n\ntwo\\nlines\\n\nC:\\\\new\\\\\\n\n" + std::string("\0\r\xff\n", 4));
}

TEST_CASE("append: a large body is one line too") {
    const TempDir dir;
    StartedPlugin append("append", into(dir / "file"));
    CHECK(append.handle(std::string(1 << 20, '\n')) == done);
    CHECK(contents(dir / "file").size() == (2U << 20) + 1);
}

TEST_CASE(
    "append: somebody who keeps the file locked holds up one message at a time, not for ever") {
    const TempDir dir;
    StartedPlugin append("append", into(dir / "file"));
    const int reader = open((dir / "file").c_str(), O_RDONLY);
    REQUIRE(flock(reader, LOCK_SH) == 0);
    const Answer held = append.handle("x");
    CHECK(held.verdict == MYQ_RETRY);
    CHECK(held.reason == "cannot append to " + (dir / "file").string() +
                             ": another process has it locked with flock(2): see who with lslocks");
    close(reader);
    CHECK(append.handle("y") == done);
    CHECK(contents(dir / "file") == "y\n");
}

TEST_CASE("append: what is there already stays") {
    const TempDir dir;
    std::ofstream(dir / "file") << "first\n";
    StartedPlugin append("append", into(dir / "file"));
    CHECK(append.handle("second") == done);
    CHECK(contents(dir / "file") == "first\nsecond\n");
}

TEST_CASE("append: a new file gets the configured mode whatever the umask is") {
    const TempDir dir;
    const mode_t before = umask(0077);
    StartedPlugin standard("append", into(dir / "standard"));
    StartedPlugin shared("append", {{"file", {dir / "shared"}}, {"mode", {"0664"}}});
    CHECK(umask(before) == 0077);
    CHECK(mode_of(dir / "standard") == 0640);
    CHECK(mode_of(dir / "shared") == 0664);
}

TEST_CASE("append: after a rotation by renaming, lines go to a new file") {
    const TempDir dir;
    StartedPlugin append("append", into(dir / "file"));
    CHECK(append.handle("one") == done);
    fs::rename(dir / "file", dir / "file.1");
    CHECK(append.handle("two") == done);
    CHECK(contents(dir / "file.1") == "one\n");
    CHECK(contents(dir / "file") == "two\n");

    fs::rename(dir / "file", dir / "file.2");
    std::ofstream(dir / "file") << "made by logrotate\n";
    CHECK(append.handle("three") == done);
    CHECK(contents(dir / "file") == "made by logrotate\nthree\n");
    CHECK(contents(dir / "file.2") == "two\n");
}

TEST_CASE("append: a file that was removed is made again") {
    const TempDir dir;
    StartedPlugin append("append", into(dir / "file"));
    fs::remove(dir / "file");
    CHECK(append.handle("back") == done);
    CHECK(contents(dir / "file") == "back\n");
}

TEST_CASE("append: after copytruncate writing goes on at the new end") {
    const TempDir dir;
    StartedPlugin append("append", into(dir / "file"));
    CHECK(append.handle("one") == done);
    fs::resize_file(dir / "file", 0);
    CHECK(append.handle("two") == done);
    CHECK(contents(dir / "file") == "two\n");
}

TEST_CASE("append: a line that a killed writer left unfinished does not swallow the next") {
    const TempDir dir;
    std::ofstream(dir / "file") << "whole\nhal";
    StartedPlugin append("append", into(dir / "file"));
    CHECK(append.handle("next") == done);
    CHECK(contents(dir / "file") == "whole\nhal\nnext\n");
}

TEST_CASE("append: a rotation that cannot be followed is a retry, and mends itself") {
    const TempDir dir;
    StartedPlugin append("append", into(dir / "file"));
    fs::rename(dir / "file", dir / "file.1");
    fs::create_symlink("file.1", dir / "file");
    CHECK(append.handle("lost?") ==
          Answer{MYQ_RETRY, "cannot append to " + (dir / "file").string() +
                                ": open: Too many levels of symbolic links"});
    fs::remove(dir / "file");
    CHECK(append.handle("no") == done);
    CHECK(contents(dir / "file") == "no\n");
    CHECK(contents(dir / "file.1").empty());
}

TEST_CASE("append: what is no regular file does not start, and holds nobody up") {
    const TempDir dir;
    const fs::path link = dir / "link";
    const fs::path fifo = dir / "fifo";
    fs::create_symlink("/dev/null", link);
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(
        StartedPlugin("append", into(link)),
        ("option 'file': " + link.string() + ": open: Too many levels of symbolic links").c_str());
    CHECK_THROWS_WITH(StartedPlugin("append", into(fifo)),
                      ("option 'file': " + fifo.string() + ": is not a regular file").c_str());
    CHECK(refusal("append", into(link)) ==
          "option 'file': " + link.string() + ": is not a regular file");
    CHECK(refusal("append", into(fifo)) ==
          "option 'file': " + fifo.string() + ": is not a regular file");
}

TEST_CASE("append: options that cannot work are refused, and checking makes no file") {
    const TempDir dir;
    CHECK(refusal("append", into(dir / "file")).empty());
    CHECK_FALSE(fs::exists(dir / "file"));
    CHECK(refusal("append", into(dir / "no/file")) ==
          "option 'file': " + (dir / "no/file").string() +
              ": the directory above it does not exist; make it first");
    for (const char* mode : {"", "8", "1777", "rw", "0640x", "-1"}) {
        CAPTURE(mode);
        CHECK(refusal("append", {{"file", {dir / "file"}}, {"mode", {mode}}})
                  .ends_with("no octal mode from 0000 to 0777, such as 0640"));
    }
}

TEST_CASE("append: several workers write whole lines into one file, over a rotation too") {
    const TempDir dir;
    constexpr int workers = 4;
    constexpr int messages = 300;
    std::vector<pid_t> pids;
    for (int worker = 0; worker < workers; ++worker) {
        const pid_t pid = fork();
        if (pid == 0) {
            _exit([&]() noexcept {
                const std::string body(20'000, static_cast<char>('a' + worker));
                StartedPlugin append("append", into(dir / "file"));
                for (int i = 0; i < messages; ++i) {
                    if (append.handle(body) != done) return 1;
                    if (worker == 0 && i == messages / 2) fs::rename(dir / "file", dir / "file.1");
                }
                return 0;
            }());
        }
        pids.push_back(pid);
    }
    for (const pid_t pid : pids) {
        int status = -1;
        waitpid(pid, &status, 0);
        CHECK(status == 0);
    }
    int lines = 0;
    std::istringstream all(contents(dir / "file.1") + contents(dir / "file"));
    for (std::string line; std::getline(all, line); ++lines) {
        if (line != std::string(20'000, line.empty() ? '?' : line[0])) FAIL("a mixed line");
    }
    CHECK(lines == workers * messages);
}

}  // TEST_SUITE("append")
