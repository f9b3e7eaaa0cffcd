#include "config/config.hpp"
#include "config/config_file.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

TEST_SUITE("config_file") {

using namespace myq;
namespace fs = std::filesystem;

namespace {

// A directory of one test, with one file.
class Scratch {
public:
    fs::path file(const std::string& text, mode_t mode = 0644) const {
        const fs::path path = directory_.path() / "myq.yaml";
        test::write_file(path, text);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }
    const fs::path& path() const { return directory_.path(); }

private:
    test::TempDir directory_;
};

std::string complaint(const fs::path& file) {
    try {
        read_config_file(file);
    } catch (const ConfigError& e) {
        return e.what();
    }
    return "";
}

}  // namespace

TEST_CASE("config file: its text comes as it is") {
    const Scratch scratch;
    const std::string text = "a: 1\r\n\0\xff"
                             "end";
    CHECK(read_config_file(scratch.file(text)) == text);
    CHECK(read_config_file(scratch.file("")).empty());
    CHECK(read_config_file(scratch.file(std::string(1048576, '#'))).size() == 1048576);
}

TEST_CASE("config file: one that is not there says so") {
    const Scratch scratch;
    const fs::path missing = scratch.path() / "none.yaml";
    CHECK(complaint(missing) == missing.string() + ": cannot be opened: No such file or directory");
}

TEST_CASE("config file: only a regular file is read") {
    const Scratch scratch;
    CHECK(complaint(scratch.path()) ==
          scratch.path().string() + ": is a directory: name the file in it");
    CHECK(complaint("/dev/null") == "/dev/null: is not a regular file");
    // Nobody writes to this FIFO: opening it must not wait for one.
    const fs::path fifo = scratch.path() / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    CHECK(complaint(fifo) == fifo.string() + ": is not a regular file");
}

TEST_CASE("config file: more than one MiB is refused before it is read") {
    const Scratch scratch;
    const fs::path file = scratch.file("");
    fs::resize_file(file, 1048577);
    CHECK(complaint(file) == file.string() + ": 1048577 bytes: a configuration is at most 1 MiB");
}

TEST_CASE("config file: a link to a good file is followed") {
    const Scratch scratch;
    const fs::path link = scratch.path() / "link.yaml";
    fs::create_symlink(scratch.file("a: 1\n"), link);
    CHECK(read_config_file(link) == "a: 1\n");
}

TEST_CASE("config file: root obeys no file that others may write") {
    if (::geteuid() != 0) return;
    const Scratch scratch;
    const fs::path file = scratch.file("a: 1\n", 0664);
    CHECK(complaint(file) ==
          file.string() + ": mode 0664 lets others write what root obeys: chmod go-w");
    CHECK(complaint(scratch.file("a: 1\n", 0602)) ==
          file.string() + ": mode 0602 lets others write what root obeys: chmod go-w");
    CHECK(complaint(scratch.file("a: 1\n", 0600)).empty());
}

TEST_CASE("config file: a stranger's file is refused") {
    if (::geteuid() != 0) return;
    const Scratch scratch;
    const fs::path file = scratch.file("a: 1\n");
    REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
    CHECK(complaint(file) == file.string() + ": belongs to user 12345, who could change it under "
                                             "you: it must belong to root");
}

TEST_CASE("config file: an ordinary user reads root's and his own however they may be written") {
    if (::geteuid() != 0) return;
    const Scratch scratch;
    const fs::path file = scratch.file("a: 1\n", 0666);
    const auto as_user = [&] {
        REQUIRE(::seteuid(12345) == 0);
        const std::string text = complaint(file);
        REQUIRE(::seteuid(0) == 0);
        return text;
    };
    CHECK(as_user().empty());
    REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
    CHECK(as_user().empty());
    REQUIRE(::chown(file.c_str(), 54321, 54321) == 0);
    CHECK(as_user() == file.string() + ": belongs to user 54321, who could change it under you: it "
                                       "must belong to root or to you");
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    CHECK(as_user() == file.string() + ": cannot be opened: Permission denied");
}

TEST_CASE("config file: loading one says which line is wrong and where it came from") {
    const Scratch scratch;
    const fs::path file = scratch.file("queues: [{name: a, key: 1}]\n");
    const Config config = load_config(file, "/plugins");
    CHECK(config.source == file);
    CHECK(config.plugins.dir == "/plugins");
    REQUIRE(config.queues.size() == 1);
    CHECK(config.queues[0].where == file.string() + ":1:10");

    scratch.file("queues: [{name: a}]\n");
    CHECK_THROWS_WITH_AS(load_config(file, "/plugins"),
                         (file.string() + ":1:10: queues.key: is missing").c_str(), ConfigError);
}

}  // TEST_SUITE("config_file")
