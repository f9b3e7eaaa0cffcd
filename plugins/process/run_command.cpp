#include "plugins/process/run_command.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto never = Clock::time_point::max();

std::system_error failure(const char* call) {
    return {errno, std::generic_category(), call};
}

// The body as a file at its beginning. Not a pipe: nobody has to feed a command that reads slowly
// or not at all.
Fd input_file(std::string_view input) {
    Fd file = above_standard(Fd(::memfd_create("message", MFD_CLOEXEC)));
    if (!file) throw failure("memfd_create");
    for (std::size_t at = 0; at < input.size();) {
        const ssize_t n =
            ::pwrite(file.get(), input.data() + at, input.size() - at, static_cast<off_t>(at));
        if (n == -1 && errno == EINTR) continue;
        if (n == -1) throw failure("pwrite");
        at += static_cast<std::size_t>(n);
    }
    return file;
}

// Passes output on until the child has ended or the deadline is past; says whether it has ended.
bool wait_for_end(const Child& child, std::array<Output*, 2> outputs, Clock::time_point deadline) {
    for (;;) {
        std::array<pollfd, 3> fds{{{child.pidfd(), POLLIN, 0},
                                   {outputs[0]->fd(), POLLIN, 0},  // poll() skips -1
                                   {outputs[1]->fd(), POLLIN, 0}}};
        int wait_ms = -1;
        if (deadline != never) {
            const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
            if (left.count() <= 0) return false;
            wait_ms = static_cast<int>(left.count());  // a timeout is at most a day
        }
        if (::poll(fds.data(), fds.size(), wait_ms) == -1 && errno != EINTR) throw failure("poll");
        // The end of the child counts, not the end of its outputs: a process that it left behind
        // may hold those open for ever. Whatever it had written itself was there when its end
        // was seen, and one read takes all that a pipe can hold.
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            if (fds[i + 1].revents != 0) outputs[i]->read();
        }
        if (fds[0].revents != 0) return true;
    }
}

std::string signal_name(int signal) {
    const char* name = sigabbrev_np(signal);
    return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

}  // namespace

void check_program(std::string_view option, const std::filesystem::path& program) {
    namespace fs = std::filesystem;
    std::error_code ignored;  // "no" is an answer too
    const auto refuse = [&](const std::string& why) {
        throw std::invalid_argument("option '" + std::string(option) + "': " + program.string() +
                                    ": " + why);
    };
    if (!program.is_absolute()) refuse("give its absolute path");
    if (!fs::exists(program, ignored)) refuse("does not exist");
    if (!fs::is_regular_file(program, ignored)) refuse("is no program");
    if (::access(program.c_str(), X_OK) == -1) {
        refuse("may not be run: " + std::string(std::strerror(errno)));
    }
}

std::optional<Child::End> run_command(const Command& command,
                                      const std::vector<std::string>& environment,
                                      std::string_view input,
                                      const std::optional<Patience>& patience, Output out,
                                      Output err) {
    const auto deadline = patience ? Clock::now() + patience->time : never;
    Child child(command, environment, input_file(input), out.write_end(), err.write_end());
    out.close_write_end();
    err.close_write_end();

    const bool answered = wait_for_end(child, {&out, &err}, deadline);
    if (!answered) {
        child.signal_group(SIGTERM);
        wait_for_end(child, {&out, &err}, Clock::now() + patience->last_words);
        child.signal_group(SIGKILL);
    }
    const Child::End end = child.reap();
    out.finish();
    err.finish();
    if (!answered) return std::nullopt;
    return end;
}

std::string describe(const Child::End& end) {
    if (end.by_signal) return "killed by " + signal_name(end.code);
    return "exit status " + std::to_string(end.code);
}

std::string readable(milliseconds time) {
    if (time.count() % 1000 == 0) return std::to_string(time.count() / 1000) + " s";
    return std::to_string(time.count()) + " ms";
}
