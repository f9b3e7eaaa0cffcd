#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>

TEST_SUITE("plugins") {

using namespace myq::test;

TEST_CASE("plugins: a bad one that the configuration names stops the start, with its line and its "
          "reason") {
    struct Row {
        const char* plugin;
        const char* spoil;  // a shell command, in the plugin directory
        int exit_code;
        const char* sentence;
    };
    const Row rows[] = {
        {"wrong_abi", "", 78, "wrong_abi.so: is built for plugin ABI 99.0, this daemon has 1."},
        {"no_symbol", "", 78, "no_symbol.so: exports no myq_plugin_entry()"},
        {"not_elf", "", 78, "not_elf.so: is not a shared object (ELF)"},
        {"null_entry", "", 78, "null_entry.so: refuses this daemon"},
        {"short_struct", "", 78, "short_struct.so: its struct myq_plugin has"},
        {"crashes_in_constructor", "", 78, "ended the process that loaded it (killed by SIGSEGV)"},
        {"throws_in_start", "", 78, "does not start: the database is on holiday"},
        {"log", "chmod 666 log.so", 78, "log.so: is writable by group or others (mode 0666)"},
        {"log", "chown nobody log.so", 78, "log.so: belongs to uid 65534"},
        {"log", "chmod 777 .", 78, "plugins: is writable by group or others (mode 0777)"},
        {"log", "chown nobody ..", 78, "belongs to uid 65534"},
        {"log", "mv log.so l; ln -s l log.so", 78, "log.so: is a symbolic link"},
        {"log", "rm log.so; mkfifo log.so", 78, "log.so: is not a regular file"},
        {"log", "truncate -s 3000 log.so", 78, "log.so: is cut short: 3000 bytes of"},
        {"log", "rm log.so", 78, "log.so: cannot open: No such file"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.plugin));
        CAPTURE(std::string(row.spoil));
        const DaemonProcess daemon(
            {{row.plugin}, fmt::format("handlers: [{{type: any, plugin: {}}}]", row.plugin), {}});
        if (*row.spoil != '\0') {
            REQUIRE(run({"sh", "-c",
                         fmt::format("cd {} && {}", daemon.plugin_dir().string(), row.spoil)})
                        .exit_code == 0);
        }
        const Run start = daemon.start();
        CHECK(start.exit_code == row.exit_code);
        CHECK_MESSAGE(start.err.find(row.sentence) != std::string::npos, start.err);
        CHECK(start.err.find("myq.yaml:8:") != std::string::npos);
        CHECK(daemon.status().exit_code == 3);  // and nothing of a crash
    }
}

TEST_CASE("plugins: a wrong option is refused with its line, and what was meant") {
    struct Row {
        const char* options;
        const char* sentence;
    };
    const Row rows[] = {
        {"{comand: [/bin/true]}",
         "options.comand: plugin exec has no such option; did you mean 'command'?"},
        {"{}", "options.command: is missing; plugin exec needs it"},
        {"{command: [/no/such/program]}", "/no/such/program"},
        {"{command: [/bin/true], directory: relative}",
         "options.directory: 'relative' is not an absolute path"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.options));
        const DaemonProcess daemon(
            {{"exec"},
             fmt::format("handlers: [{{type: any, plugin: exec, options: {}}}]", row.options),
             {}});
        const Run check = daemon.myqd({"--check"});
        CHECK(check.exit_code == 78);
        CHECK_MESSAGE(check.err.find(row.sentence) != std::string::npos, check.err);
        CHECK(check.err.find("myq.yaml:8:") != std::string::npos);
        CHECK(daemon.start().exit_code == 78);
    }
}

TEST_CASE("plugins: exec runs its command with the message and maps how it ends") {
    const DaemonProcess daemon(
        {{"exec"},
         "handlers:\n"
         "  - {type: 1, name: keep, plugin: exec, options: {command: [/bin/sh, -c, 'cat "
         ">/mnt/exec-body; "
         "echo $MYQ_TYPE $MYQ_TYPE_NAME $MYQ_QUEUE $MYQ_ATTEMPT >/mnt/exec-env']}}\n"
         "  - {type: 2, plugin: exec, options: {command: [/bin/sh, -c, 'echo no luck >&2; exit "
         "75']}}\n"
         "  - {type: 3, plugin: exec, timeout: 300ms, options: {command: [/bin/sleep, '3600']}}\n",
         {}});
    REQUIRE(run({"sh", "-c", "rm -f /mnt/exec-*"}).exit_code == 0);
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "the body");
    daemon.send(2, "");
    daemon.send(3, "");
    CHECK(eventually([] { return read_file("/mnt/exec-env") == "1 keep jobs 1\n"; }));
    CHECK(read_file("/mnt/exec-body") == "the body");
    CHECK(daemon.logged("no luck"));
    CHECK(daemon.logged("message of type 2, 0 bytes: attempt 1 of 5 failed"));
    CHECK(daemon.logged("message of type 3, 0 bytes: attempt 1 of 5 failed"));
    CHECK(eventually([] { return run({"pgrep", "sleep"}).out.empty(); }));
}

TEST_CASE("plugins: a command of exec does not outlive its killed worker") {
    const DaemonProcess daemon(
        {{"exec"},
         "retry: {attempts: 1}\n"
         "handlers: [{type: any, plugin: exec, options: {command: [/bin/sleep, '3600']}}]",
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "");
    REQUIRE(eventually([] { return run({"pgrep", "-x", "sleep"}).exit_code == 0; }));
    ::kill(daemon.workers().at(0), SIGKILL);
    CHECK(eventually([] { return run({"pgrep", "-x", "sleep"}).exit_code != 0; }));
}

}  // TEST_SUITE("plugins")
