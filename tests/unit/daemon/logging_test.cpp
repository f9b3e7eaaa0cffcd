#include "daemon/logging.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

TEST_SUITE("logging") {

using namespace myq;
using namespace myq::test;

namespace {

const Identity me = current_identity();
const Identity service{"myq", "myq", 950, 950};

LogConfig to_file(const std::filesystem::path& path) {
    LogConfig config;
    config.file = path;
    return config;
}

// Runs `body` in a child, since the log is the process's standard error.
template <typename Body>
void logging(const LogConfig& config, Body body, const Identity& owner = me) {
    REQUIRE(in_child([&] {
                open_log(config, owner);
                body();
                return 0;
            }) == 0);
}

std::string refusal(const std::filesystem::path& path) {
    const RunDir answers;
    REQUIRE(in_child([&] {
                try {
                    open_log(to_file(path), me);
                } catch (const std::system_error& e) {
                    write_file(answers / "what", e.what());
                }
                return 0;
            }) == 0);
    return read_file(answers / "what");
}

std::ptrdiff_t line_count(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

TEST_CASE("a record is one line with time, process and level") {
    const RunDir dir;
    pid_t pid = 0;
    const pid_t child = fork_child([&] {
        open_log(to_file(dir / "log"), me);
        spdlog::warn("queue {}: full", "jobs");
        return 0;
    });
    pid = child;
    REQUIRE(wait_for(child) == 0);
    const std::string line = read_file(dir / "log");
    // 2025-01-31T12:00:00.123+01:00 myqd[17] warning: queue jobs: full
    CHECK(line.ends_with(" myqd[" + std::to_string(pid) + "] warning: queue jobs: full\n"));
    CHECK(line[4] == '-');
    CHECK(line[10] == 'T');
    CHECK(line[19] == '.');
    CHECK(line_count(line) == 1);
}

TEST_CASE("bytes from strangers are escaped, and forge no second record") {
    const RunDir dir;
    std::string hostile = "body: x\n2025-01-01T00:00:00.000+00:00 myqd[1] error: forged\r\t\\";
    hostile += "\x1b[31m\x07\x7f\x80\xff";
    hostile += '\0';
    logging(to_file(dir / "log"), [&] { spdlog::info("{}", hostile); });
    const std::string line = read_file(dir / "log");
    CHECK(line_count(line) == 1);
    CHECK(line.ends_with("info: body: x\\n2025-01-01T00:00:00.000+00:00 myqd[1] error: forged"
                         "\\r\\t\\\\\\x1b[31m\\x07\\x7f\\x80\\xff\\x00\n"));
}

TEST_CASE("a record is one write, however long, so that processes do not mix theirs") {
    const RunDir dir;
    constexpr int writers = 4;
    constexpr int records = 200;
    pid_t pids[writers];
    for (int i = 0; i < writers; ++i) {
        pids[i] = fork_child([&] {
            open_log(to_file(dir / "log"), me);
            const std::string text(3'000, static_cast<char>('a' + i));
            for (int n = 0; n < records; ++n)
                spdlog::info("{}", text);
            return 0;
        });
    }
    for (const pid_t pid : pids)
        REQUIRE(wait_for(pid) == 0);
    const std::string log = read_file(dir / "log");
    CHECK(line_count(log) == writers * records);
    std::size_t wrong = 0;
    for (std::size_t start = 0; start < log.size();) {
        const std::size_t end = log.find('\n', start);
        const std::string tail = log.substr(end - 3'000, 3'000);
        if (tail != std::string(3'000, tail[0]) || log[end - 3'001] != ' ') ++wrong;
        start = end + 1;
    }
    CHECK(wrong == 0);
}

TEST_CASE("what is below the level is left out, also after it was changed") {
    const RunDir dir;
    const auto say_all = [] {
        spdlog::debug("a debug");
        spdlog::info("an info");
        spdlog::warn("a warning");
        spdlog::error("an error");
    };
    struct Row {
        LogConfig::Level level;
        int lines;
    };
    for (const Row& row : {Row{LogConfig::Level::debug, 4}, Row{LogConfig::Level::info, 3},
                           Row{LogConfig::Level::warn, 2}, Row{LogConfig::Level::error, 1}}) {
        CAPTURE(row.lines);
        LogConfig config = to_file(dir / std::to_string(row.lines));
        config.level = row.level;
        logging(config, say_all);
        CHECK(line_count(read_file(config.file)) == row.lines);
        logging(to_file(dir / "changed"), [&] {
            set_log_level(row.level);
            say_all();
        });
    }
    CHECK(line_count(read_file(dir / "changed")) == 10);
}

TEST_CASE("a log is appended to") {
    const RunDir dir;
    write_file(dir / "log", "before\n");
    logging(to_file(dir / "log"), [] { spdlog::info("after"); });
    CHECK(read_file(dir / "log").starts_with("before\n"));
    CHECK(line_count(read_file(dir / "log")) == 2);
}

TEST_CASE("after a rotation the new file is written to") {
    const RunDir dir;
    logging(to_file(dir / "log"), [&] {
        spdlog::info("one");
        std::filesystem::rename(dir / "log", dir / "log.1");
        spdlog::info("two");
        reopen_log();
        spdlog::info("three");
    });
    CHECK(line_count(read_file(dir / "log.1")) == 2);
    CHECK(read_file(dir / "log").ends_with("info: three\n"));
    CHECK(line_count(read_file(dir / "log")) == 1);
}

TEST_CASE("when the new file cannot be had the old one stays in use") {
    const RunDir dir;
    logging(to_file(dir / "log"), [&] {
        std::filesystem::rename(dir / "log", dir / "log.1");
        std::filesystem::create_symlink("/etc/passwd", dir / "log");
        CHECK(reopen_log() == ELOOP);
        rotate_log();
        spdlog::info("still here");
    });
    const std::string text = read_file(dir / "log.1");
    CHECK(text.find(" anew: Too many levels of symbolic links; the old one is written on") !=
          std::string::npos);
    CHECK(text.ends_with("info: still here\n"));
}

TEST_CASE("what a library or a handler's child prints on standard error is kept") {
    const RunDir dir;
    logging(to_file(dir / "log"),
            [] { [[maybe_unused]] const int r = system("echo from a child >&2"); });
    CHECK(read_file(dir / "log") == "from a child\n");
}

TEST_CASE("a log file that root makes belongs to the service") {
    const RunDir dir;
    logging(
        to_file(dir / "log"), [] {}, service);
    struct stat st {};
    REQUIRE(stat((dir / "log").c_str(), &st) == 0);
    CHECK(st.st_uid == 950);
    CHECK((st.st_mode & 07777) == 0640);
}

TEST_CASE("root makes no log in a place that the service chose") {
    const RunDir dir;
    std::filesystem::create_directory(dir / "home");
    std::filesystem::create_directory(dir / "etc");
    REQUIRE(chown((dir / "home").c_str(), service.uid, service.gid) == 0);
    SUBCASE("by a link in a directory of its own") {
        // Where the administrator had a directory.
        std::filesystem::create_directory_symlink(dir / "etc", dir / "home/logs");
        CHECK(in_child([&] {
                  try {
                      open_log(to_file(dir / "home/logs/log"), service);
                  } catch (const std::system_error& e) {
                      return e.code() == std::errc::permission_denied ? 7 : 8;
                  }
                  return 0;
              }) == 0);
    }
    SUBCASE("in a directory of root's below one of its own") {
        std::filesystem::create_directory(dir / "home/logs");
        CHECK(in_child([&] {
                  try {
                      open_log(to_file(dir / "home/logs/log"), service);
                  } catch (const std::system_error& e) {
                      return e.code() == std::errc::permission_denied ? 7 : 8;
                  }
                  return 0;
              }) == 7);
        CHECK(!std::filesystem::exists(dir / "home/logs/log"));
    }
    SUBCASE("in a directory of its own it does what the service could do") {
        logging(
            to_file(dir / "home/log"), [] { spdlog::info("x"); }, service);
        struct stat st {};
        REQUIRE(stat((dir / "home/log").c_str(), &st) == 0);
        CHECK(st.st_uid == service.uid);
    }
}

TEST_CASE("what is no plain file is refused") {
    const RunDir dir;
    const std::string path = (dir / "log").string();
    SUBCASE("a symbolic link") {
        std::filesystem::create_symlink(dir / "victim", dir / "log");
        CHECK(refusal(path) ==
              "cannot open the log file " + path + ": Too many levels of symbolic links");
        CHECK(!std::filesystem::exists(dir / "victim"));
    }
    SUBCASE("a FIFO, without waiting for its reader") {
        REQUIRE(mkfifo(path.c_str(), 0600) == 0);
        CHECK(refusal(path).starts_with("cannot open the log file " + path));
    }
    SUBCASE("a file with a second name") {
        write_file(dir / "other", "");
        std::filesystem::create_hard_link(dir / "other", dir / "log");
        CHECK(refusal(path) == "the log file " + path +
                                   " is not a plain file with one name: Operation not permitted");
    }
    SUBCASE("in a directory that is not there") {
        CHECK(refusal(dir / "no" / "log") == "cannot open the log file " +
                                                 (dir / "no" / "log").string() +
                                                 ": No such file or directory");
    }
}

TEST_CASE("target stderr writes where standard error already goes") {
    const RunDir dir;
    LogConfig config;
    config.target = LogConfig::Target::standard_error;
    REQUIRE(in_child([&] {
                const int fd = open((dir / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                dup2(fd, STDERR_FILENO);
                open_log(config, me);
                spdlog::info("hello");
                reopen_log();  // does nothing
                spdlog::info("again");
                return 0;
            }) == 0);
    CHECK(line_count(read_file(dir / "err")) == 2);
}

}  // TEST_SUITE("logging")
