// `myqd --try` and `myqd --check --plugin`: one plugin without a daemon, through what a daemon
// does.
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

TEST_SUITE("try") {

using namespace myq::test;

namespace {

const DaemonProcess::Setup nothing{{}, "handlers: [{type: any, plugin: log}]", {}};

// A directory of plugins and a body, beside a daemon that never starts.
struct Bench {
    explicit Bench(const std::vector<std::string>& plugins) {
        for (const std::string& plugin : plugins)
            daemon.add_plugin(plugin);
    }

    Run attempt(const std::string& plugin, const std::string& body,
                const std::vector<std::string>& more = {}) const {
        return myqd("--try", plugin, body, more);
    }

    Run myqd(const std::string& action, const std::string& plugin, const std::string& body,
             const std::vector<std::string>& more) const {
        const auto file = daemon.dir() / "body";
        write_file(file, body);
        std::vector<std::string> options{action, "--plugin", daemon.plugin_dir() / plugin};
        if (action == "--try") options.insert(options.end(), {"--body", file});
        options.insert(options.end(), more.begin(), more.end());
        return daemon.myqd(options);
    }

    // exec runs it; $top is the process that was called, the supervisor of the worker.
    Run shell(const std::string& script, const std::vector<std::string>& more = {}) const {
        std::vector<std::string> options{
            "--option",   "command=/bin/sh", "--option",
            "command=-c", "--option",        "command=top=$(ps -o ppid= -p $PPID); " + script};
        options.insert(options.end(), more.begin(), more.end());
        return attempt("exec.so", "the body", options);
    }

    DaemonProcess daemon{nothing};
};

bool nothing_is_left_of(const std::string& uid) {
    return run({"find", "/tmp", "-maxdepth", "1", "-name", "myqd-try-*", "-uid", uid}).out.empty();
}

}  // namespace

TEST_CASE("try: the exit code and the first word are the outcome") {
    const Bench bench({"log", "crashes", "hangs", "throws", "exits", "writes_body"});
    struct Row {
        const char *plugin, *body;
        std::vector<std::string> more;
        int exit_code;
        const char* out;
    };
    const Row rows[] = {
        {"log.so", "hello", {}, 0, "done\n"},
        {"throws.so", "x", {}, 75, "retry: thrown: x; the next attempt would be in 1s\n"},
        {"throws.so",
         "x",
         {"--attempt", "9"},
         75,
         "retry: thrown: x; the next attempt would be in 256s\n"},
        {"log.so", "{", {"--format", "json"}, 65, "reject: its body is not JSON\n"},
        {"log.so", "{}", {"--format", "json"}, 0, "done\n"},
        {"crashes.so", "crash", {}, 70, "crash: killed by SIGSEGV in plugin crashes 1.0\n"},
        {"crashes.so", "", {}, 0, "done\n"},
        {"exits.so", "x", {}, 70, "crash: exit status 0 in plugin exits 1.0\n"},
        {"writes_body.so", "x", {}, 70, "crash: killed by SIGSEGV in plugin writes_body 1.0\n"},
        {"hangs.so",
         "hang",
         {"--timeout", "50ms"},
         70,
         "timeout: no answer for 50ms from plugin hangs 1.0\n"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.plugin));
        CAPTURE(std::string(row.body));
        const Run tried = bench.attempt(row.plugin, row.body, row.more);
        CHECK_MESSAGE(tried.exit_code == row.exit_code, tried.err);
        CHECK(tried.out == row.out);
    }
}

TEST_CASE(
    "try: the handler sees the message, as the service user, and its log is on standard error") {
    const Bench bench({"exec"});
    const Run tried =
        bench.shell("id -un; echo $MYQ_QUEUE $MYQ_TYPE $MYQ_TYPE_NAME $MYQ_ATTEMPT "
                    "$MYQ_ID; env | grep -c SECRET; cat; exit 65",
                    {"--queue", "jobs", "--type", "9", "--name", "resize", "--attempt", "3", "--id",
                     "00112233445566778899aabbccddeeff", "--json"});
    CHECK(tried.exit_code == 65);
    for (const char* text : {"debug: exec: sh: myq\n",
                             "debug: exec: sh: jobs 9 resize 3 00112233445566778899aabbccddeeff\n",
                             "debug: exec: sh: 0\n", "debug: exec: sh: the body\n"})
        CHECK_MESSAGE(tried.err.find(text) != std::string::npos, tried.err);
    CHECK(tried.out == "{\"outcome\":\"reject\",\"reason\":\"exit status 65\",\"plugin\":\"exec\","
                       "\"version\":\"1.0\",\"type\":9,\"attempt\":3}\n");
}

TEST_CASE("try: the type is the first that the plugin names, if none is said") {
    const Bench bench({"auto_42", "log"});
    CHECK(bench.attempt("auto_42.so", "", {"--json"}).out.find("\"type\":42,") !=
          std::string::npos);
    CHECK(bench.attempt("log.so", "", {"--json"}).out.find("\"type\":1,") != std::string::npos);
    CHECK(bench.attempt("auto_42.so", "", {"--type", "7", "--json"}).out.find("\"type\":7,") !=
          std::string::npos);
}

TEST_CASE("try: a handler that is killed from outside is not called again") {
    const Bench bench({"exec"});
    const Run tried = bench.shell("echo called; kill -KILL $PPID; exec sleep 3600");
    CHECK(tried.exit_code == 70);
    CHECK(tried.out == "crash: killed by SIGKILL in plugin exec 1.0\n");
}

TEST_CASE("try: Ctrl-C twice ends it") {
    const Bench bench({"exec"});
    // Two signals, since a second one of a kind is not queued beside the first.
    const Run tried = bench.shell("trap '' INT TERM; kill -INT $top; kill -TERM $top; sleep 3600");
    CHECK(tried.exit_code == 130);
    CHECK(tried.err.find("myqd: try: interrupted before the handler was done") !=
          std::string::npos);
}

TEST_CASE("try: nothing is left in /tmp, whatever ends it") {
    const Bench bench({"crashes"});
    const std::string uid = "54321";  // nobody else's
    const auto attempt = [&](const std::string& options) {
        return run({"setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "sh", "-c",
                    fmt::format("printf crash | {} --try --plugin {} {}", DaemonProcess::binary(),
                                (bench.daemon.plugin_dir() / "crashes.so").string(), options)});
    };
    CHECK(attempt("").exit_code == 70);
    CHECK(nothing_is_left_of(uid));
    // Its own end, before it can tidy up.
    CHECK(attempt("--no-fork").exit_code == 128 + 11);
    CHECK(eventually([&] { return nothing_is_left_of(uid); }));
}

TEST_CASE("try: --no-fork is the same in one process") {
    const Bench bench({"throws", "throws_in_start", "log"});
    const Run tried = bench.attempt("throws.so", "x", {"--no-fork"});
    CHECK(tried.exit_code == 75);
    CHECK(tried.out == "retry: thrown: x; the next attempt would be in 1s\n");
    CHECK(bench.attempt("log.so", "x", {"--no-fork"}).exit_code == 0);
    CHECK(bench.attempt("log.so", "x", {"--no-fork", "--option", "a=b"}).exit_code == 78);
    const Run refused = bench.attempt("throws_in_start.so", "x", {"--no-fork"});
    CHECK(refused.exit_code == 78);
    CHECK(refused.err.find("the database is on holiday") != std::string::npos);
}

TEST_CASE("try and check: what a start refuses is refused, with the reason") {
    const Bench bench({"wrong_abi", "no_symbol", "not_elf", "null_entry", "short_struct",
                       "crashes_in_constructor", "log", "exec"});
    struct Row {
        const char* plugin;
        const char* spoil;  // a shell command, in the plugin directory
        const char* sentence;
    };
    const Row rows[] = {
        {"wrong_abi.so", "", "is built for plugin ABI 99.0, this daemon has 1."},
        {"no_symbol.so", "", "exports no myq_plugin_entry()"},
        {"not_elf.so", "", "is not a shared object (ELF)"},
        {"null_entry.so", "", "refuses this daemon"},
        {"short_struct.so", "", "its struct myq_plugin has"},
        {"crashes_in_constructor.so", "", "killed by SIGSEGV"},
        {"missing.so", "", "cannot open: No such file"},
        {"fifo.so", "mkfifo fifo.so", "is not a regular file"},
        {"directory.so", "mkdir directory.so", "is not a regular file"},
        {"link.so", "ln -s log.so link.so", "is a symbolic link"},
        {"short.so", "head -c 3000 log.so >short.so", "is cut short: 3000 bytes of"},
        {"tiny.so", "head -c 20 log.so >tiny.so", "is not a shared object (ELF)"},
        {"open.so", "cp log.so open.so; chmod 666 open.so", "is writable by group or others"},
        {"his.so", "cp log.so his.so; chown nobody his.so", "belongs to uid 65534"},
        {"Log.so", "cp log.so Log.so", "is no name for a plugin"},
        {"log", "cp log.so log", "is no name for a plugin; call it NAME.so"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.plugin));
        REQUIRE(run({"sh", "-c",
                     fmt::format("umask 022; cd {} && {}", bench.daemon.plugin_dir().string(),
                                 *row.spoil == '\0' ? "true" : row.spoil)})
                    .exit_code == 0);
        for (const char* action : {"--try", "--check"}) {
            CAPTURE(std::string(action));
            const Run refused = bench.myqd(action, row.plugin, "x", {});
            CHECK(refused.exit_code == 78);
            CHECK(refused.out.empty());
            CHECK_MESSAGE(refused.err.find(row.sentence) != std::string::npos, refused.err);
        }
    }
}

TEST_CASE("try and check: options are judged as those of the configuration are") {
    const Bench bench({"exec"});
    const Run tried =
        bench.attempt("exec.so", "x", {"--option", "comand=a", "--option", "directory=b"});
    CHECK(tried.exit_code == 78);
    for (const char* sentence :
         {"options.comand: plugin exec has no such option; did you mean 'command'?",
          "options.directory: 'b' is not an absolute path", "options.command: is missing"})
        CHECK_MESSAGE(tried.err.find(sentence) != std::string::npos, tried.err);
    CHECK(bench.myqd("--check", "exec.so", "", {"--option", "comand=a"}).exit_code == 78);
    // Nobody asked about options: exec is a good plugin, whatever it needs.
    const Run checked = bench.myqd("--check", "exec.so", "", {"--json"});
    CHECK(checked.exit_code == 0);
    CHECK(checked.out == "{\"name\":\"exec\",\"version\":\"1.0\",\"types\":[]}\n");
}

TEST_CASE("try: a wrong command line is 64, with what is wrong") {
    const Bench bench({"log"});
    struct Row {
        std::vector<std::string> options;
        const char* sentence;
    };
    const Row rows[] = {
        {{"--try"}, "--plugin"},
        {{"--plugin", "log.so"}, "--plugin: goes with --try or --check"},
        {{"--try", "--check", "--plugin", "log.so"}, "--check"},
        {{"--check", "--plugin", "log.so", "--type", "1"}, "--type requires --try"},
        {{"--try", "--plugin", "log.so", "--type", "0"}, "--type"},
        {{"--try", "--plugin", "log.so", "--attempt", "0"}, "--attempt"},
        {{"--try", "--plugin", "log.so", "--id", "xyz"}, "'xyz' is not 32 hex digits"},
        {{"--try", "--plugin", "log.so", "--timeout", "5"}, "--timeout"},
        {{"--try", "--plugin", "log.so", "--timeout", "0s"}, "0 is no limit"},
        {{"--try", "--plugin", "log.so", "--format", "xml"}, "--format"},
        {{"--try", "--plugin", "log.so", "--option", "a"}, "'a' is not of the form name=value"},
        {{"--try", "--plugin", "log.so", "--option", "=a"}, "'=a' is not of the form name=value"},
        {{"--try", "--options", "file"}, "--plugin"},
        {{"--try", "--plugin", "log.so", "--options", "file", "--option", "a=b"}, "--option"},
        {{"--try", "--plugin", "log.so", "--foreground"}, "--foreground"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.sentence);
        const Run wrong = bench.daemon.myqd(row.options);
        CHECK(wrong.exit_code == 64);
        CHECK_MESSAGE(wrong.err.find(row.sentence) != std::string::npos, wrong.err);
    }
    const std::string plugin = bench.daemon.plugin_dir() / "log.so";
    CHECK(bench.daemon.myqd({"--try", "--plugin", plugin, "--body", "/no/such"}).exit_code == 73);
}

TEST_CASE("try: a body may be as long as the daemon would take it, and gets to the handler whole") {
    Bench bench({"exec"});
    bench.daemon.configure({{}, "max_body: 5000000\nhandlers: [{type: any, plugin: log}]", {}});
    const std::string body(4'000'000, 'x');
    for (const char* more : {"", "--no-fork"}) {
        CAPTURE(std::string(more));
        std::vector<std::string> options{"--option", "command=/bin/sh",
                                         "--option", "command=-c",
                                         "--option", "command=echo got $(wc -c)"};
        if (*more != '\0') options.emplace_back(more);
        const Run tried = bench.attempt("exec.so", body, options);
        CHECK(tried.out == "done\n");
        CHECK_MESSAGE(tried.err.find("exec: sh: got 4000000\n") != std::string::npos, tried.err);
    }
    const Run large = bench.attempt("exec.so", body + std::string(2'000'000, 'x'),
                                    {"--queue", "jobs", "--option", "command=/bin/true"});
    CHECK(large.exit_code == 64);
    CHECK_MESSAGE(large.err.find("no body may have more than 5000000 bytes: see max_body") !=
                      std::string::npos,
                  large.err);
}

TEST_CASE("try: nobody is sent to a list of the dead that the trial is not in") {
    const Bench bench({"log"});
    const Run tried = bench.attempt("log.so", "{", {"--format", "json"});
    CHECK_MESSAGE(tried.err.find("is dead: its body is not JSON\n") != std::string::npos,
                  tried.err);
}

}  // TEST_SUITE("try")
