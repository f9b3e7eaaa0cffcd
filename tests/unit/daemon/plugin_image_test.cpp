#include "daemon/plugin.hpp"
#include "daemon/plugin_image.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/plugin_dir.hpp"

#include <doctest/doctest.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

TEST_SUITE("plugin_image") {

using namespace myq;
using namespace myq::test;

namespace {

std::string content(const PluginImage& image) {
    std::string text(64UL << 20, '\0');
    const ssize_t n = pread(image.memory.value(), text.data(), text.size(), 0);
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return text;
}

std::string refusal(const std::filesystem::path& dir, const std::string& name, uid_t trusted = 0) {
    try {
        read_plugin(dir, name, trusted);
    } catch (const PluginError& e) {
        return e.what();
    }
    return "accepted";
}

void patch(const std::filesystem::path& path, std::size_t offset, std::uint16_t value) {
    std::string bytes = read_file(path);
    bytes.replace(offset, sizeof value, reinterpret_cast<const char*>(&value), sizeof value);
    write_file(path, bytes);
}

}  // namespace

TEST_CASE("a good plugin is accepted, and its image is the file byte for byte") {
    const PluginDir dir{"auto_42"};
    const auto image = read_plugin(dir.path(), "auto_42", 0);
    CHECK(image->name == "auto_42");
    CHECK(image->path == dir.file("auto_42"));
    CHECK(content(*image) == read_file(dir.file("auto_42")));
}

TEST_CASE("what happens to the file later does not change the image") {
    const PluginDir dir{"auto_42"};
    const auto image = read_plugin(dir.path(), "auto_42", 0);
    const std::string before = content(*image);
    SUBCASE("cp over it") {
        std::filesystem::copy_file(dir.file("auto_42"), dir / "same");
        write_file(dir.file("auto_42"), std::string(before.size(), 'x'));
    }
    SUBCASE("truncated") {
        REQUIRE(truncate(dir.file("auto_42").c_str(), 100) == 0);
    }
    SUBCASE("removed") {
        std::filesystem::remove(dir.file("auto_42"));
    }
    CHECK(content(*image) == before);
    CHECK(in_child([&] {
              return Plugin(*image).contract().name == std::string_view("auto_42") ? 0 : 1;
          }) == 0);
}

TEST_CASE("an image can be changed by nobody") {
    const PluginDir dir{"auto_42"};
    const auto image = read_plugin(dir.path(), "auto_42", 0);
    const int fd = image->memory.value();
    CHECK(pwrite(fd, "x", 1, 0) == -1);
    CHECK(errno == EPERM);
    CHECK(ftruncate(fd, 0) == -1);
    CHECK(ftruncate(fd, 64L << 20) == -1);
    CHECK(fcntl(fd, F_ADD_SEALS, 0) == -1);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("what is no plain file of one's own is refused, with the reason") {
    const PluginDir dir{"auto_42"};
    const std::filesystem::path file = dir / "bad.so";
    const std::string prefix = file.string() + ": ";
    const auto install = [&] { std::filesystem::copy_file(dir.file("auto_42"), file); };

    SUBCASE("a symbolic link") {
        std::filesystem::create_symlink("auto_42.so", file);
        CHECK(refusal(dir.path(), "bad") ==
              prefix + "is a symbolic link; a plugin is a regular file");
    }
    SUBCASE("a FIFO, without waiting for its writer") {
        REQUIRE(mkfifo(file.c_str(), 0600) == 0);
        CHECK(refusal(dir.path(), "bad") == prefix + "is not a regular file");
    }
    SUBCASE("a directory") {
        std::filesystem::create_directory(file);
        CHECK(refusal(dir.path(), "bad") == prefix + "is not a regular file");
    }
    SUBCASE("nothing") {
        CHECK(refusal(dir.path(), "bad") == prefix + "cannot open: No such file or directory");
    }
    SUBCASE("writable by the group") {
        install();
        REQUIRE(chmod(file.c_str(), 0775) == 0);
        CHECK(refusal(dir.path(), "bad") ==
              prefix + "is writable by group or others (mode 0775); chmod go-w " + file.string());
    }
    SUBCASE("writable by others, even with the sticky bit") {
        install();
        REQUIRE(chmod(file.c_str(), 01757) == 0);
        CHECK(refusal(dir.path(), "bad") ==
              prefix + "is writable by group or others (mode 1757); chmod go-w " + file.string());
    }
    SUBCASE("somebody else's") {
        install();
        REQUIRE(chown(file.c_str(), 65534, 0) == 0);
        CHECK(refusal(dir.path(), "bad") ==
              prefix + "belongs to uid 65534; a plugin and the directories above it must belong to "
                       "root");
        CHECK(refusal(dir.path(), "bad", 1000) ==
              prefix + "belongs to uid 65534; a plugin and the directories above it must belong to "
                       "root or to whoever runs the daemon");
        CHECK(refusal(dir.path(), "bad", 65534) == "accepted");
    }
    SUBCASE("too large") {
        install();
        REQUIRE(truncate(file.c_str(), (256L << 20) + 1) == 0);
        CHECK(refusal(dir.path(), "bad") == prefix + "is larger than 256 MiB");
    }
}

TEST_CASE("what is no shared object for this machine is refused, with the reason") {
    const PluginDir dir{"auto_42", "not_elf"};
    const std::filesystem::path file = dir / "bad.so";
    std::filesystem::copy_file(dir.file("auto_42"), file);
    const std::string no_elf =
        ": is not a shared object (ELF); build it with myq_add_plugin() or -shared";
    CHECK(refusal(dir.path(), "not_elf") == dir.file("not_elf").string() + no_elf);

    SUBCASE("cut short") {
        REQUIRE(truncate(file.c_str(), sizeof(Elf64_Ehdr) - 1) == 0);
        CHECK(refusal(dir.path(), "bad") == file.string() + no_elf);
    }
    SUBCASE("empty") {
        REQUIRE(truncate(file.c_str(), 0) == 0);
        CHECK(refusal(dir.path(), "bad") == file.string() + no_elf);
    }
    SUBCASE("an object file") {
        patch(file, offsetof(Elf64_Ehdr, e_type), ET_REL);
        CHECK(refusal(dir.path(), "bad") == file.string() + no_elf);
    }
    SUBCASE("another machine's") {
        patch(file, offsetof(Elf64_Ehdr, e_machine), EM_S390);
        const std::string sentence = refusal(dir.path(), "bad");
        CHECK(sentence.starts_with(file.string() +
                                   ": is built for another machine (ELF machine 22, ours is "));
    }
}

TEST_CASE("a plugin in a directory that others may write is refused") {
    const RunDir top;
    const std::filesystem::path middle = top / "middle";
    const std::filesystem::path dir = middle / "plugins";
    std::filesystem::create_directories(dir);
    std::filesystem::copy_file(std::filesystem::path(TEST_PLUGINS) / "auto_42.so", dir / "p.so");
    REQUIRE(refusal(dir, "p") == "accepted");

    SUBCASE("the directory itself") {
        REQUIRE(chmod(dir.c_str(), 0777) == 0);
        CHECK(refusal(dir, "p") == dir.string() +
                                       ": is writable by group or others (mode 0777); "
                                       "chmod go-w " +
                                       dir.string());
        REQUIRE(chmod(dir.c_str(), 01777) == 0);
        CHECK(refusal(dir, "p") != "accepted");
    }
    SUBCASE("one above it") {
        REQUIRE(chmod(middle.c_str(), 0775) == 0);
        CHECK(refusal(dir, "p") == middle.string() +
                                       ": is writable by group or others (mode 0775)"
                                       "; chmod go-w " +
                                       middle.string());
    }
    SUBCASE("one above it with the sticky bit is as good as /tmp") {
        REQUIRE(chmod(middle.c_str(), 01777) == 0);
        CHECK(refusal(dir, "p") == "accepted");
    }
    SUBCASE("somebody else's directory") {
        REQUIRE(chown(middle.c_str(), 65534, 0) == 0);
        CHECK(refusal(dir, "p").starts_with(middle.string() + ": belongs to uid 65534; "));
    }
    SUBCASE("by way of a link, what counts is where it leads") {
        std::filesystem::create_directory_symlink(dir, top / "link");
        CHECK(refusal(top / "link", "p") == "accepted");
        REQUIRE(chmod(dir.c_str(), 0777) == 0);
        CHECK(refusal(top / "link", "p").starts_with(dir.string() + ": is writable"));
    }
}

TEST_CASE("a name that is not plain is refused before anything is opened") {
    const PluginDir dir{"auto_42"};
    for (const std::string name :
         {"", "../auto_42", "x/y", "Upper", ".hidden", "-x", "_x", "a.b", "a b", "a\nb"}) {
        CAPTURE(name);
        CHECK(refusal(dir.path(), name)
                  .ends_with(": is no name for a plugin; use a-z, 0-9, '-' and '_'"));
    }
}

TEST_CASE("the plugins of a directory are its files with plain names") {
    const PluginDir dir{"auto_42", "reply"};
    for (const char* litter : {"reply.so.dpkg-new", ".reply.so.swp", "reply.so~", "README", ".so",
                               "Bad.so", "lib.x.so"}) {
        write_file(dir / litter, "x");
    }
    CHECK(plugin_names(dir.path()) == std::vector<std::string>{"auto_42", "reply"});
}

TEST_CASE("a plugin directory that is not there is named") {
    CHECK(refusal("/nowhere", "p") ==
          "/nowhere: cannot open the plugin directory: No such file or directory");
    CHECK_THROWS_WITH_AS(plugin_names("/nowhere"),
                         "/nowhere: cannot read the plugin directory: No such file or directory",
                         PluginError);
}

}  // TEST_SUITE("plugin_image")
