#include "ipc/message_queue.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <string>

TEST_SUITE("exit_code") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey jobs = QueueKey::from_text("0x6d797101");

}  // namespace

TEST_CASE("The version and the help go to standard output") {
    check_myq({"--version"}, 0, "myq " MYQ_VERSION "\n", "");
    for (const char* verb : {"send", "recv", "peek", "status", "dead", "stat", "list", "create",
                             "set", "remove", "ftok", "sem", "shm", "errno", "limits", "doctor"}) {
        CAPTURE(verb);
        const Outcome help = test::myq({verb, "--help"});
        CHECK(help.status == 0);
        CHECK(help.out.find("Usage: myq " + std::string(verb)) != std::string::npos);
        CHECK(help.err.empty());
    }
}

TEST_CASE("A wrong command line is status 64 and one line that helps") {
    const TestConfig config;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    struct Row {
        std::vector<std::string> args;
        std::string err;
    };
    for (const Row& row : {
             Row{{}, "A subcommand is required: see 'myq --help'"},
             Row{{"sned"}, "'sned': no such verb: did you mean 'send'?"},
             Row{{"frobnicate"},
                 "'frobnicate': no such verb: use send, call, recv, peek, status, dead, drop, "
                 "plugin, "
                 "stat, list, "
                 "create, set, remove, ftok, sem, shm, errno, limits, doctor"},
             Row{{"--frob"}, "'--frob': no such option: see 'myq --help'"},
             Row{{"send", "--frob"},
                 "send: The following argument was not expected: --frob: see 'myq send --help'"},
             Row{{"send", "jobs/1", "a", "--nowait", "--timeout", "1s"},
                 "send: --nowait excludes --timeout: see 'myq send --help'"},
             Row{{"dead", "list", "--frob"},
                 "dead list: The following argument was not expected: --frob: see 'myq dead list "
                 "--help'"},
             Row{{"status", "--json", "--lsb"},
                 "status: --json excludes --lsb: see 'myq status --help'"},
             Row{{"recv", "jobs", "--nowait", "--timeout", "1s"},
                 "recv: --nowait excludes --timeout: see 'myq recv --help'"},
             Row{{"recv", "jobs", "--follow", "--count", "2"},
                 "recv: --count excludes --follow: see 'myq recv --help'"},
             Row{{"recv", "jobs", "--follow", "--nowait"},
                 "recv: --follow excludes --nowait: see 'myq recv --help'"},
             Row{{"recv", "jobs", "--truncate"},
                 "recv: --truncate requires --max-size: see 'myq recv --help'"},
             Row{{"recv", "jobs", "--timeout", "5"},
                 "recv: --timeout: '5' has no unit: write ms, s, m, h or d behind it, such as 30s: "
                 "see 'myq recv --help'"},
             Row{{"recv", "jobs", "--max-size", "5K"},
                 "recv: --max-size: '5K' has an unknown unit: write KiB, MiB or GiB, such as "
                 "64KiB, or nothing for bytes: see 'myq recv --help'"},
             Row{{"create"}, "create: --key is required: see 'myq create --help'"},
             Row{{"create", "--key", "0"},
                 "key '0': 0 is IPC_PRIVATE, which makes a new queue at every use and finds none: "
                 "choose one from 0x1 to 0xfffffffe"},
             Row{{"set", "jobs"},
                 "set: nothing to change: give --mode, --user, --group or --capacity"},
             Row{{"set", "jobs", "--mode", "0888"},
                 "set: --mode: '0888' is no mode: write it in octal, 0000 to 0777: see 'myq set "
                 "--help'"},
             Row{{"set", "jobs", "--capacity", "2GiB"},
                 "--capacity 2147483648: out of range: use 1 to 2147483647 bytes"},
             Row{{"set", "jobs", "--user", "nosuch"},
                 "user 'nosuch': there is none of this name: give a name that getent knows, or a "
                 "number"},
             Row{{"set", "jobs", "--group", "-1"},
                 "group '-1': there is none of this name: give a name that getent knows, or a "
                 "number"},
             Row{{"send", "--lines", "jobs/1", "body"},
                 "--lines: the body is an argument already: give the lines with --file or on "
                 "standard input"},
             Row{{"send", "--file", "/dev/null", "jobs/1", "body"},
                 "--file: the body is named twice: leave out --file or the body"},
         }) {
        check_myq(row.args, 64, "", "myq: " + row.err + "\n");
    }
    CHECK(test::myq({"recv", "jobs", "--count", "0"}).status == 64);
    CHECK(test::myq({"stat", "--id", "1", "--key", "2"}).status == 64);
    CHECK(test::myq({"stat", "--id", "x"}).status == 64);
    CHECK(queue.stat().messages == 0);
}

TEST_CASE("Each kind of failure has its exit status") {
    const TestConfig config;
    CHECK(test::myq({"stat", "jobs"}).status == 69);
    CHECK(test::myq({"status"}).status == 69);
    CHECK(test::myq({"dead", "show", "1"}).status == 69);
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    const ScratchQueue other;
    CHECK(test::myq(
              {"send", "--id", std::to_string(other.id()), "--type", "1", std::string(8193, 'x')})
              .status == 65);
    CHECK(test::myq({"send", "jobs", "--type", "0", "x"}).status == 65);
    CHECK(test::myq({"send", "jobs/1", "--file", "/nowhere"}).status == 66);
    CHECK(test::myq({"ftok", "/nowhere", "A"}).status == 66);
    CHECK(test::myq({"create", "--key", "0x6d797101"}).status == 73);
    CHECK(test::myq({"recv", "jobs", "--nowait"}).status == 75);
    CHECK(test::myq({"recv", "jobs", "--nowait"}, {.nobody = true}).status == 77);
    CHECK(test::myq({"send", "jobs/1", "x"}, {.nobody = true}).status == 77);
    CHECK(test::myq({"set", "jobs", "--mode", "0666"}, {.nobody = true}).status == 77);
    CHECK(test::myq({"--config", "/nowhere", "stat", "jobs"}).status == 78);
}

TEST_CASE("A full disk is an error for every verb that prints") {
    const TestConfig config;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    for (const std::vector<std::string>& args : {std::vector<std::string>{"list"},
                                                 {"stat", "jobs"},
                                                 {"peek", "jobs"},
                                                 {"dead", "list"},
                                                 {"errno"},
                                                 {"limits"},
                                                 {"doctor"},
                                                 {"ftok", "/", "A"}}) {
        check_myq(args, 71, "",
                  "myq: standard output: cannot be written: No space left on device\n",
                  {.out = full});
    }
    close(full);
}

}  // TEST_SUITE("exit_code")
