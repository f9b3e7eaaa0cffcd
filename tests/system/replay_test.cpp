// myq dead replay, and the real myqd --try that takes its place.
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

TEST_SUITE("replay") {

using namespace myq::test;

#if !defined(__SANITIZE_ADDRESS__)  // which hears of a crash first

namespace {

// A message that crashed its plugin and is dead, and a machine that has our myqd installed.
struct Crashed {
    Crashed() {
        std::filesystem::create_symlink(DaemonProcess::binary(), "/usr/local/sbin/myqd");
        daemon.add_plugin("log");  // what does not crash
        REQUIRE(daemon.start().exit_code == 0);
        daemon.send(7, "crash the last line");
        REQUIRE(daemon.logged("is dead: 1 attempt"));
    }

    // The commands are for a debugger's standard input.
    Run replay(const std::vector<std::string>& more, const std::string& commands = "") const {
        write_file(daemon.dir() / "commands", commands);
        std::vector<std::string> words{"sh",
                                       "-c",
                                       R"(file=$1; shift; exec "$@" <"$file")",
                                       "sh",
                                       daemon.dir() / "commands",
                                       MYQ_BINARY,
                                       "-c",
                                       daemon.config_file(),
                                       "dead",
                                       "replay",
                                       "1"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }

    DaemonProcess daemon{
        {{"answers"},
         "retry: {attempts: 1}\nhandlers: [{type: 7, name: work, plugin: answers}]",
         {}}};
};

}  // namespace

TEST_CASE("replay: a dead message replayed crashes its plugin again, and is done by a mended one") {
    const Crashed crashed;
    const Run again = crashed.replay({});
    CHECK(again.exit_code == 70);
    CHECK(again.out == "crash: killed by SIGSEGV in plugin answers 1.2.0\n");
    CHECK_MESSAGE(again.err.find("info: answers: the last line\n") != std::string::npos, again.err);
    const Run mended =
        crashed.replay({"--plugin", (crashed.daemon.plugin_dir() / "log.so").string()});
    CHECK(mended.exit_code == 0);
    CHECK_MESSAGE(mended.out == "done\n", mended.err);
    // Dead it stays, until somebody says otherwise.
    CHECK(
        crashed.daemon.myq({"dead", "show", "1"}).out.find("killed by SIGSEGV in plugin answers") !=
        std::string::npos);
    CHECK(crashed.daemon.status().exit_code == 0);
}

TEST_CASE("replay: a dead message replayed has its handler's options") {
    std::filesystem::create_symlink(DaemonProcess::binary(), "/usr/local/sbin/myqd");
    const DaemonProcess daemon(
        {{"exec"},
         "retry: {attempts: 1}\nhandlers: [{type: 7, name: work, plugin: exec, options: {command: "
         "[/bin/sh, -c, 'echo \"told: $SECRET\" >&2; tr \"\\0\" \" \" </proc/$PPID/cmdline >&2; "
         "exit 1'], environment: [SECRET=hush]}}]",
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(7, "x");
    REQUIRE(daemon.logged("is dead"));
    const Run again = run({MYQ_BINARY, "-c", daemon.config_file(), "dead", "replay", "1"});
    CHECK(again.exit_code == 65);
    CHECK_MESSAGE(again.err.find("told: hush") != std::string::npos, again.err);
    CHECK_MESSAGE(again.err.find("--try") != std::string::npos, again.err);
    CHECK_MESSAGE(again.err.find("SECRET=") == std::string::npos, again.err);
}

TEST_CASE("replay: a dead message replayed in gdb stops where it crashed") {
    if (run({"gdb", "--version"}).exit_code != 0) {
        MESSAGE("skipped: there is no gdb");
        return;
    }
    const Crashed crashed;
    const Run debugged = crashed.replay({"--gdb"}, "set confirm off\nrun\nbacktrace\nkill\nquit\n");
    for (const char* text :
         {"Program received signal SIGSEGV", "answers: the last line", "answers.cpp:"}) {
        CHECK_MESSAGE((debugged.out + debugged.err).find(text) != std::string::npos,
                      debugged.out << debugged.err);
    }
}
#endif

}  // TEST_SUITE("replay")
