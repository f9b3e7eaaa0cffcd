#include "tests/unit/client/client_process.hpp"

#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace myq::test {

namespace {

struct Pipe {
    Pipe() { REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0); }
    int read_end() const { return ends[0]; }
    int write_end() const { return ends[1]; }

    std::array<int, 2> ends{};
};

int file_with(std::string_view text) {
    const int fd = memfd_create("input", MFD_CLOEXEC);
    REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    lseek(fd, 0, SEEK_SET);
    return fd;
}

// In the child: becomes myq. The binary comes as a descriptor, since nobody may not be allowed to
// enter the build directory.
[[noreturn]] void become_myq(int binary, std::vector<std::string>& args, const Setup& setup) {
    std::vector<char*> argv;
    for (std::string& arg : args)
        argv.push_back(arg.data());
    argv.push_back(nullptr);
    for (const std::string& variable : setup.env)
        putenv(strdup(variable.c_str()));
    if (setup.ignore_hangup) std::signal(SIGHUP, SIG_IGN);
    if (setup.nobody && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(99);
    fexecve(binary, argv.data(), environ);
    _exit(98);
}

}  // namespace

ClientProcess::ClientProcess(std::vector<std::string> args, const Setup& setup) {
    args.insert(args.begin(), "myq");
    const int binary = open(MYQ_BINARY, O_PATH | O_CLOEXEC);
    REQUIRE(binary >= 0);
    const Pipe in;
    const Pipe out;
    const Pipe err;
    const int input = file_with(setup.input);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
        dup2(setup.in >= 0 ? setup.in : setup.pipe_input ? in.read_end() : input, STDIN_FILENO);
        dup2(setup.out >= 0 ? setup.out : out.write_end(), STDOUT_FILENO);
        dup2(setup.err >= 0 ? setup.err : err.write_end(), STDERR_FILENO);
        if (setup.no_output) close(STDOUT_FILENO);
        become_myq(binary, args, setup);
    }
    for (const int fd : {binary, input, in.read_end(), out.write_end(), err.write_end()}) {
        close(fd);
    }
    in_ = in.write_end();
    out_ = out.read_end();
    err_ = err.read_end();
}

ClientProcess::~ClientProcess() {
    for (const int fd : {in_, out_, err_}) {
        if (fd >= 0) close(fd);
    }
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

void ClientProcess::feed(std::string_view text) const {
    REQUIRE(write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

void ClientProcess::end_input() {
    close(std::exchange(in_, -1));
}

void ClientProcess::signal(int number) const {
    kill(pid_, number);
}

void ClientProcess::close_output() {
    close(std::exchange(out_, -1));
}

bool ClientProcess::prints(const std::string& text) {
    read_output(false, text);
    return outcome_.out.find(text) != std::string::npos;
}

void ClientProcess::read_output(bool all, const std::string& wanted) {
    std::array<pollfd, 2> fds = {pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
    const std::array<std::string*, 2> texts = {&outcome_.out, &outcome_.err};
    while (fds[0].fd >= 0 || (all && fds[1].fd >= 0)) {
        if (!all && outcome_.out.find(wanted) != std::string::npos) return;
        poll(fds.data(), fds.size(), -1);
        for (std::size_t i = 0; i < fds.size(); ++i) {
            if (fds[i].fd < 0 || fds[i].revents == 0) continue;
            std::array<char, 65536> buffer{};
            const ssize_t count = read(fds[i].fd, buffer.data(), buffer.size());
            if (count > 0)
                texts[i]->append(buffer.data(), static_cast<std::size_t>(count));
            else
                fds[i].fd = -1;
        }
    }
}

Outcome ClientProcess::wait() {
    read_output(true, {});
    outcome_.status = wait_for(std::exchange(pid_, -1));
    return outcome_;
}

Outcome myq(std::vector<std::string> args, const Setup& setup) {
    return ClientProcess(std::move(args), setup).wait();
}

void check_myq(const std::vector<std::string>& args, int status, const std::string& out,
               const std::string& err, const Setup& setup) {
    std::string command = "myq";
    for (const std::string& arg : args)
        command += " " + arg;
    CAPTURE(command);
    const Outcome outcome = myq(args, setup);
    CHECK(outcome.status == status);
    CHECK(outcome.out == out);
    CHECK(outcome.err == err);
}

TestConfig::TestConfig() {
    write_file(file(), R"(queues:
  - name: jobs
    key: 0x6d797101
    receivers: 1
    handlers:
      - {type: 1, name: note, plugin: log}
      - {type: 7, name: resize, plugin: log}
      - {type: any, plugin: log}
  - name: mails
    key: 0x6d797102
    handlers:
      - {type: 5, plugin: log}
)");
    setenv("MYQ_CONFIG", file().c_str(), 1);
}

TestConfig::~TestConfig() {
    unsetenv("MYQ_CONFIG");
}

}  // namespace myq::test
