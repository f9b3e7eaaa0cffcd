#include "daemon/build_id.hpp"
#include "tests/unit/daemon/plugin_dir.hpp"

#include <doctest/doctest.h>

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

TEST_SUITE("build_id") {

using namespace myq;
using namespace myq::test;

namespace {

std::string id_of(const std::string& bytes) {
    PluginImage image{"x", "/x.so", Fd{::memfd_create("x", MFD_CLOEXEC)}};
    REQUIRE(::write(image.memory.value(), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
    return build_id(image);
}

}  // namespace

TEST_CASE("the build id is the one that the linker wrote") {
    const PluginDir dir{"auto_42"};
    const std::string code = read_file(dir.file("auto_42"));
    const std::string id = build_id(*read_plugin(dir.path(), "auto_42", 0));
    CHECK(id.size() == 40);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    CHECK(id_of(code) == id);
}

TEST_CASE("whatever the bytes say, there is an id or none") {
    const PluginDir dir{"auto_42"};
    const std::string code = read_file(dir.file("auto_42"));
    CHECK(id_of("") == "");
    CHECK(id_of("\x7f"
                "ELF") == "");
    for (const std::size_t size : {64UL, 100UL, 500UL, 600UL})
        CHECK(id_of(code.substr(0, size)).size() <= 128);
    // Heads of segments and notes with anything in them.
    std::minstd_rand random(4711);
    for (int i = 0; i < 300; ++i) {
        std::string bytes = code.substr(0, 4096);
        for (int j = 0; j < 20; ++j)
            bytes[64 + random() % 1'000] = static_cast<char>(random());
        CHECK(id_of(bytes).size() <= 128);
    }
}

}  // TEST_SUITE("build_id")
