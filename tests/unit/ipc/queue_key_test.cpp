#include "ipc/queue_key.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

TEST_SUITE("queue_key") {

using namespace myq;
using namespace myq::test;

namespace {

std::string refusal(std::string_view text) {
    try {
        return "accepted as " + QueueKey::from_text(text).text();
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
}

// ftok as its manual page and glibc define it, from stat(2) alone.
key_t expected_ftok(const std::filesystem::path& path, unsigned char project) {
    struct stat file {};
    REQUIRE(stat(path.c_str(), &file) == 0);
    const std::uint32_t key = (std::uint32_t{project} << 24) |
                              (static_cast<std::uint32_t>(file.st_dev & 0xff) << 16) |
                              static_cast<std::uint32_t>(file.st_ino & 0xffff);
    return static_cast<key_t>(key);
}

}  // namespace

TEST_CASE("A key is read as people and PHP write it") {
    struct Row {
        const char* text;
        key_t key;
    };
    for (const Row& row :
         {Row{"0x6d797101", 0x6d797101}, Row{"0X6D797101", 0x6d797101},
          Row{"1836675329", 0x6d797101}, Row{"017", 15}, Row{"1", 1}, Row{"-65535", -65535},
          Row{"0xffff0001", -65535}, Row{"4294901761", -65535}, Row{"-2147483648", INT32_MIN},
          Row{"0x80000000", INT32_MIN}, Row{"2147483647", INT32_MAX}, Row{"037777777776", -2},
          Row{"-0x10", -16}, Row{"0xffffffffb8cf1ec4", static_cast<key_t>(0xb8cf1ec4)},
          Row{"0xffffffff80000000", INT32_MIN}, Row{"01777777777777777777776", -2}}) {
        CAPTURE(row.text);
        CHECK(QueueKey::from_text(row.text).value() == row.key);
    }
}

TEST_CASE("What is no key is refused with a sentence that quotes it") {
    for (const char* text :
         {"", " ", "jobs", "12a", "0x", "0xg", "08", "1 ", " 1", "+5", "--5", "0x-5", "1.5", "-"}) {
        CAPTURE(text);
        CHECK(refusal(text) == "key '" + std::string(text) +
                                   "': not a number: write it in decimal, 0x hexadecimal or 0 "
                                   "octal");
    }
    for (const char* text : {"4294967296", "0x150485002", "-2147483649", "99999999999999999999",
                             "-99999999999999999999", "0xffffffff7fffffff", "0xfffffffeb8cf1ec4",
                             "0x1ffffffffb8cf1ec4", "18446744072514543300"}) {
        CAPTURE(text);
        CHECK(refusal(text).find("longer than 32 bits") != std::string::npos);
    }
}

TEST_CASE("0 and -1 are errors, however they are written") {
    for (const char* text : {"0", "0x0", "00", "-0"}) {
        CAPTURE(text);
        CHECK(refusal(text).find("0 is IPC_PRIVATE") != std::string::npos);
    }
    for (const char* text : {"-1", "0xffffffff", "4294967295"}) {
        CAPTURE(text);
        CHECK(refusal(text).find("-1 is what ftok returns on failure") != std::string::npos);
    }
}

TEST_CASE("A private key only comes when it is asked for") {
    CHECK(QueueKey::private_queue().is_private());
    CHECK(!QueueKey::from_text("1").is_private());
}

TEST_CASE("A key is shown as ipcs shows it") {
    CHECK(QueueKey::from_text("26").text() == "0x0000001a");
    CHECK(QueueKey::from_text("-65535").text() == "0xffff0001");
}

TEST_CASE("ftok follows stat(2) for files, directories and symbolic links, for every project") {
    const TempDir dir;
    write_file(dir.path() / "file", "x");
    std::filesystem::create_symlink(dir.path() / "file", dir.path() / "link");
    for (const char* name : {"file", "link", "."}) {
        for (const int project : {0x01, 0x41, 0x7a, 0x7f, 0x80, 0xff}) {
            CAPTURE(name);
            CAPTURE(project);
            const std::string letter(1, static_cast<char>(project));
            CHECK(QueueKey::from_path(dir.path() / name, letter).value() ==
                  expected_ftok(dir.path() / name, static_cast<unsigned char>(project)));
        }
    }
    CHECK(QueueKey::from_path(dir.path() / "file", "A") ==
          QueueKey::from_path(dir.path() / "link", "A"));
}

TEST_CASE("ftok of a missing file names the path and the reason") {
    try {
        QueueKey::from_path("/nowhere/at/all", "A");
        FAIL("made a key from nothing");
    } catch (const std::system_error& e) {
        CHECK(e.code().value() == ENOENT);
        CHECK(std::string(e.what()) ==
              "cannot make a key with ftok from '/nowhere/at/all': No such file or directory");
    }
    CHECK_THROWS_AS(QueueKey::from_path("", "A"), std::system_error);
}

TEST_CASE("A project is exactly one byte and a path has no NUL in it") {
    for (const char* project : {"", "AB", "\xc3\xa9"}) {
        CAPTURE(project);
        CHECK_THROWS_AS(QueueKey::from_path("/", project), std::invalid_argument);
    }
    CHECK_THROWS_AS(QueueKey::from_path(std::string("/\0etc", 5), "A"), std::invalid_argument);
}

}  // TEST_SUITE("queue_key")
