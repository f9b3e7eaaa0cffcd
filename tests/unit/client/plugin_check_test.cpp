#include "client/plugin/elf.hpp"
#include "tests/unit/client/plugin_bench.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <stdexcept>
#include <string>

TEST_SUITE("plugin_check") {

using namespace myq;
using namespace myq::test;
using Outcome = myq::test::Outcome;

namespace {

bool says(const Outcome& outcome, const std::string& text) {
    CHECK_MESSAGE(outcome.out.find(text) != std::string::npos, outcome.out);
    return outcome.out.find(text) != std::string::npos;
}

// Whatever the bytes are, it comes back.
void survives(const std::string& bytes) {
    try {
        read_elf(bytes);
    } catch (const std::runtime_error& e) {
        CHECK(std::string(e.what()) != "");
    }
}

}  // namespace

TEST_CASE("plugin check: a good plugin is fine") {
    const PluginBench bench;
    const Outcome fine = bench.run({"check", bench.add("log")});
    CHECK(fine.status == 0);
    CHECK(fine.out == "fine     daemon's checks: plugin log 1.0, types: as the configuration says\n"
                      "fine     symbols: only its entry is exported\n");
    const Outcome json = bench.run({"check", bench.path("log"), "--json"});
    CHECK(json.status == 0);
    CHECK(json.out.find("{\"severity\":\"fine\",\"subject\":\"symbols\",") != std::string::npos);
}

TEST_CASE("plugin check: what makes a plugin unsafe is a warning, with its fix") {
    const PluginBench bench;
    const Outcome found = bench.run({"check", bench.add("unsafe")});
    CHECK(found.status == 1);
    says(found, "warning  symbols: it exports more than its entry: ");
    says(found, "warning  symbols: unique symbols are shared with every other plugin");
    says(found, "warning  stack: it makes the stack of its worker executable\n"
                "         fix: link with -Wl,-z,noexecstack");
    says(found, "warning  code: its code is written to when it is loaded (text relocations)\n"
                "         fix: compile every part of it with -fPIC\n");
    says(found, "warning  libraries: they are looked for in '/no/such/directory' first");
    says(found, "hint     code: its tables of addresses stay writable (no full RELRO)");
    says(found, "hint     code: nothing in it tells one build from another");
    says(found, "hint     calls: it can end its worker: it calls _exit;");
}

TEST_CASE("plugin check: what the daemon refuses is an error, with its fix") {
    const PluginBench bench;
    Outcome found = bench.run({"check", bench.add("undefined_symbol")});
    CHECK(found.status == 2);
    says(found, "undefined symbol: nobody_has_this");
    says(found, "fix: link what defines it");
    found = bench.run({"check", bench.add("wrong_abi")});
    CHECK(found.status == 2);
    says(found, "error    daemon's checks: is built for plugin ABI 99.0, this daemon has ");
    found = bench.run({"check", bench.add("crashes_in_constructor")});
    CHECK(found.status == 2);
    says(found, "ended the process that loaded it (killed by SIGSEGV)\n         fix: do nothing");
    found = bench.run({"check", bench.add("log"), "--option", "no=such"});
    CHECK(found.status == 2);
    says(found, "options.no: plugin log has no such option");
}

TEST_CASE("plugin check: hostile files are refused, and none is waited for") {
    const PluginBench bench;
    const std::string good = read_file(bench.add("log"));
    write_file(bench.path("text"), "#!/bin/sh\n");
    write_file(bench.path("empty"), "");
    write_file(bench.path("short"), good.substr(0, good.size() / 2));
    write_file(bench.path("open"), good);
    ::chmod(bench.path("open").c_str(), 0666);
    write_file(bench.path("his"), good);
    REQUIRE(::chown(bench.path("his").c_str(), 65534, 65534) == 0);
    REQUIRE(::mkfifo(bench.path("fifo").c_str(), 0644) == 0);
    std::filesystem::create_directory(bench.path("directory"));
    std::filesystem::create_symlink(bench.path("log"), bench.path("link"));
    struct Row {
        const char *name, *sentence;
    };
    const Row rows[] = {
        {"text", "is not a shared object (ELF)"},
        {"empty", "is not a shared object (ELF)"},
        {"short", "is cut short: "},
        {"open", "is writable by group or others"},
        {"his", "belongs to uid 65534; a plugin and the directories above it must belong to root\n"
                "         fix: chown"},
        {"fifo", "is not a regular file"},
        {"directory", "is not a regular file"},
        {"link", "is a symbolic link"},
        {"missing", "cannot open: No such file or directory"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        const Outcome found = bench.run({"check", bench.path(row.name)});
        CHECK(found.status == 2);
        says(found, row.sentence);
    }
    CHECK(bench.run({"check", "/dev/zero"}).status == 2);
    CHECK(bench.run({"check"}).status == 64);
}

TEST_CASE("plugin check: without a daemon it says what it can") {
    const PluginBench bench;
    const Outcome found = bench.run({"check", bench.add("log")}, "", "/no/such");
    CHECK(found.status == 0);
    says(found, "unknown  daemon's checks: there is no myqd in /usr/sbin or $PATH\n"
                "         fix: install the package myq\n");
    says(found, "fine     symbols: ");
}

TEST_CASE("plugin check: a damaged file is never more than a sentence") {
    const std::string good = read_file(std::string(TEST_PLUGINS) + "/unsafe.so");
    const ElfFacts facts = read_elf(good);
    CHECK(!facts.unique.empty());
    CHECK(facts.run_path == "/no/such/directory");
    for (std::size_t size = 0; size < good.size(); size += 1 + size / 7)
        survives(good.substr(0, size));
    std::minstd_rand random(1);
    for (int round = 0; round < 300; ++round) {
        std::string bytes = good;
        // Where the tables are: the heads of the file, and of its sections.
        for (int i = 0; i < 8; ++i) {
            const std::size_t at = random() % 1024;
            bytes[i % 2 == 0 ? at : bytes.size() - 1 - at] = static_cast<char>(random());
        }
        survives(bytes);
    }
}

}  // TEST_SUITE("plugin_check")
