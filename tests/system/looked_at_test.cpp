// Code of plugins that is only looked at, and what it says: no terminal, nothing but reading, and
// no words that a terminal would obey.
#include "tests/support/daemon_process.hpp"
#include "tests/support/plain.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

TEST_SUITE("looked_at") {

using namespace myq::test;

namespace {

// A terminal with a shell in it that runs one command.
class Terminal {
public:
    Terminal() {
        master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(master_ >= 0);
        REQUIRE(::unlockpt(master_) == 0);
        slave_ = ::ioctl(master_, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(slave_ >= 0);
    }
    ~Terminal() {
        ::close(master_);
        ::close(slave_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void begin(const std::vector<std::string>& command) {
        std::vector<std::string> words{"/bin/sh", "-c", "\"$@\"; exit $?", "sh"};
        words.insert(words.end(), command.begin(), command.end());
        std::vector<char*> argv;
        for (std::string& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        shell_ = ::fork();
        REQUIRE(shell_ >= 0);
        if (shell_ > 0) return;
        ::setsid();
        ::ioctl(slave_, TIOCSCTTY, 0);
        for (const int fd : {0, 1, 2})
            ::dup2(slave_, fd);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }

    // Its exit status; reads what it shows meanwhile.
    int end() {
        const int handle = static_cast<int>(::syscall(SYS_pidfd_open, shell_, 0));
        std::array<pollfd, 2> fds{{{master_, POLLIN, 0}, {handle, POLLIN, 0}}};
        while (::poll(fds.data(), fds.size(), -1) > 0 && fds[1].revents == 0)
            read_some();
        while (::poll(fds.data(), 1, 0) > 0 && read_some()) {
        }
        ::close(handle);
        int status = 0;
        ::waitpid(shell_, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    int run(const std::vector<std::string>& command) {
        begin(command);
        return end();
    }

    // What is on screen, without what the terminal adds.
    std::string shown() const {
        std::string text;
        for (const char c : shown_) {
            if (c != '\r') text += c;
        }
        return text;
    }

    // What somebody has typed that nobody has read.
    int typed() const {
        int count = 0;
        return ::ioctl(slave_, FIONREAD, &count) == 0 ? count : -1;
    }

private:
    bool read_some() {
        std::array<char, 4096> part{};
        const ssize_t n = ::read(master_, part.data(), part.size());
        if (n > 0) shown_.append(part.data(), static_cast<std::size_t>(n));
        return n > 0;
    }

    int master_ = -1;
    int slave_ = -1;
    pid_t shell_ = -1;
    std::string shown_;
};

const DaemonProcess::Setup types{
    {"types_into_terminal"}, "handlers: [{type: any, plugin: types_into_terminal}]", {}};

std::vector<std::string> myqd(const DaemonProcess& daemon, std::vector<std::string> options) {
    options.insert(options.begin(), {DaemonProcess::binary(), "-c", daemon.config_file()});
    return options;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("terminal: code that is looked at or tried finds none to type into") {
    const DaemonProcess daemon(types);
    const std::string file = daemon.plugin_dir() / "types_into_terminal.so";
    const auto path = std::filesystem::path(DaemonProcess::binary()).parent_path().string();
    struct Row {
        std::vector<std::string> command;
        std::string shown;
    };
    const Row rows[] = {
        {myqd(daemon, {"-t"}), ": fine\n"},
        {myqd(daemon, {"--check", "--plugin", file}), "plugin sees_none 1.0"},
        {{"env", "PATH=" + path, MYQ_BINARY, "-c", daemon.config_file(), "plugin", "check", file},
         "plugin sees_none 1.0"},
        {myqd(daemon, {"--try", "--plugin", file, "--body", "/dev/null"}), "done\n"},
        {{"env", "PATH=" + path, MYQ_BINARY, "-c", daemon.config_file(), "plugin", "try", file,
          "--body", "/dev/null"},
         "done\n"},
        {myqd(daemon, {}), ""},
        {myqd(daemon, {"--reload"}), ""},
        {myqd(daemon, {"--stop"}), ""},
    };
    for (const Row& row : rows) {
        Terminal terminal;
        CAPTURE(fmt::format("{}", fmt::join(row.command, " ")));
        CHECK(terminal.run(row.command) == 0);
        CHECK_MESSAGE(has(terminal.shown(), row.shown), terminal.shown());
        CHECK(terminal.typed() == 0);
    }
}

TEST_CASE("terminal: a handler under a debugger sees one, and cannot type into it") {
    const DaemonProcess daemon(types);
    Terminal terminal;
    terminal.run(
        myqd(daemon, {"--try", "--no-fork", "--plugin",
                      daemon.plugin_dir() / "types_into_terminal.so", "--body", "/dev/null"}));
    CHECK(has(terminal.shown(), "reject: there is a terminal\n"));
    CHECK(terminal.typed() == 0);
}

TEST_CASE("terminal: the workers of a daemon in the foreground have none") {
    const DaemonProcess daemon(types);
    Terminal terminal;
    terminal.begin(myqd(daemon, {"--foreground"}));
    REQUIRE(daemon.logged("queue jobs ("));
    daemon.send(1, "x");
    REQUIRE(eventually([&] { return daemon.queue().stat_any().messages == 0; }));
    CHECK(daemon.stop().exit_code == 0);
    CHECK(terminal.end() == 0);
    CHECK(!has(daemon.log(), "there is a terminal"));
    CHECK(terminal.typed() == 0);
}

TEST_CASE("fence: a plugin that is only looked at can do nothing but read and compute") {
    const DaemonProcess daemon({{"reaches_out"}, "handlers: [{type: any, plugin: log}]", {}});
    const Run checked =
        daemon.myqd({"--check", "--plugin", daemon.plugin_dir() / "reaches_out.so"});
    CHECK(checked.exit_code == 0);
    CHECK_MESSAGE(has(checked.out, "plugin reaches_out nothing,"), checked.out);
}

TEST_CASE("words: what a plugin says reaches nobody raw") {
    DaemonProcess daemon(
        {{"says_escapes"}, "handlers: [{type: any, plugin: says_escapes, options: {x: y}}]", {}});
    const std::string file = daemon.plugin_dir() / "says_escapes.so";
    const auto is_plain = [](const Run& run, int exit_code) {
        CHECK(run.exit_code == exit_code);
        CHECK_MESSAGE(is_plain_text(run.out), run.out);
        CHECK_MESSAGE(is_plain_text(run.err), run.err);
        CHECK(!has(run.err, "\nmyqd: f"));  // a line of its own would be somebody else's word
        return run.out + run.err;
    };
    const std::string refused = "refused \\x1b[2J \\xc2\\x9b31m \\x7f \\xe2\\x80\\xae";
    CHECK(has(is_plain(daemon.myqd({"-t"}), 78), refused));
    CHECK(has(is_plain(daemon.start(), 78), refused));
    CHECK(
        has(is_plain(daemon.myqd({"--check", "--plugin", file, "--option", "x=y"}), 78), refused));
    const std::string shown = is_plain(daemon.myqd({"--check", "--plugin", file}), 0);
    CHECK_MESSAGE(has(shown, "says_escapes: loaded \\x1b[2J"), shown);

    daemon.configure({{}, "handlers: [{type: any, plugin: says_escapes}]", {}});
    is_plain(daemon.start(), 0);
    daemon.send(1, "x");
    REQUIRE(daemon.logged("reject "));
    for (const std::vector<std::string>& words : {std::vector<std::string>{"status"},
                                                  {"status", "--json"},
                                                  {"plugin", "list"},
                                                  {"plugin", "list", "--json"},
                                                  {"dead", "list"},
                                                  {"dead", "list", "--json"},
                                                  {"dead", "show", "1"},
                                                  {"dead", "show", "1", "--json"}})
        is_plain(daemon.myq(words), 0);
    daemon.configure({{}, "handlers: [{type: any, plugin: says_escapes, options: {x: y}}]", {}});
    CHECK(has(is_plain(daemon.reload(), 6), refused));
}

TEST_CASE("words: on a terminal what a handler writes to standard error is escaped") {
    const DaemonProcess daemon({{"says_escapes"}, "handlers: [{type: any, plugin: log}]", {}});
    Terminal terminal;
    const int status =
        terminal.run(myqd(daemon, {"--try", "--plugin", daemon.plugin_dir() / "says_escapes.so",
                                   "--body", "/dev/null"}));
    CHECK(status == 65);
    CHECK_MESSAGE(is_plain_text(terminal.shown()), terminal.shown());
    CHECK(has(terminal.shown(), "\nloaded \\x1b[2J"));
    CHECK(has(terminal.shown(), "\nreject: reject \\x1b[2J"));
}

}  // TEST_SUITE("looked_at")
