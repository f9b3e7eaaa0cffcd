// exec: runs a command for every message; a handler in any language, without a compiler.
//
//     handlers:
//       - type: 7
//         name: resize
//         plugin: exec
//         timeout: 30s
//         options:
//           command: [/usr/local/bin/resize, --quiet]
//           environment: [LANG=C.UTF-8]
//           directory: /var/lib/resize
//
// Options
//   command       the program's absolute path and its arguments. There is no shell in between.
//   environment   NAME=VALUE, beside what is listed below.
//   directory     where the command starts; default /.
//
// The command finds
//   standard input    the body, all of it, as a file that ends. It need not read it.
//   standard output   logged line by line at level debug
//   standard error    logged line by line at level warn. Of a longer line 1000 bytes are logged, of
//                     each output 64 KiB a message; empty lines are left out.
//   MYQ_TYPE, MYQ_TYPE_NAME, MYQ_QUEUE, MYQ_ID (empty for none), MYQ_ATTEMPT and PATH in its
//   environment, and nothing else
//   no other open file, default signals, a process group of its own
//
// and answers with its exit status
//   0          done
//   75         retry (EX_TEMPFAIL of sysexits.h)
//   any other  reject, as is a death by a signal
//
// When nine tenths of the handler's timeout are used up (of a long one: all but the last second)
// the command's process group is sent SIGTERM, and halfway to the end SIGKILL; the outcome is
// retry. What a command that answered in time left running is left alone, but its output is not
// read any more. The command is killed when its worker dies, unless it is set-user-id.
#include "plugins/exec/child.hpp"
#include "plugins/exec/output.hpp"

#include <myq/handler.hpp>

#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int exit_try_again = 75;
constexpr auto never = Clock::time_point::max();

std::system_error failure(const char* call) {
    return {errno, std::generic_category(), call};
}

std::string directory(const myq::Options& options) {
    return options.text("directory", "/");
}

// Judges the options without running anything.
void check(const myq::Options& options) {
    namespace fs = std::filesystem;
    std::error_code ignored;  // "no" is an answer too
    const fs::path program = options.list("command").at(0);
    const auto refuse = [](std::string_view option, const std::string& value,
                           const std::string& why) {
        throw std::invalid_argument("option '" + std::string(option) + "': " + value + ": " + why);
    };
    if (!program.is_absolute()) refuse("command", program, "give its absolute path");
    if (!fs::exists(program, ignored)) refuse("command", program, "does not exist");
    if (!fs::is_regular_file(program, ignored)) refuse("command", program, "is no program");
    if (::access(program.c_str(), X_OK) == -1) {
        refuse("command", program, "may not be run: " + std::string(std::strerror(errno)));
    }
    if (!fs::is_directory(directory(options), ignored)) {
        refuse("directory", directory(options), "is no directory");
    }
    std::set<std::string> seen;
    for (const std::string& entry : options.list("environment")) {
        const std::string name = entry.substr(0, entry.find('='));
        if (name.empty() || name.size() == entry.size()) {
            refuse("environment", entry, "write NAME=VALUE");
        }
        if (name.starts_with("MYQ_")) refuse("environment", entry, "MYQ_ names are set by myq");
        if (!seen.insert(name).second) refuse("environment", entry, "the name is there twice");
    }
}

std::vector<std::string> base_environment(const myq::Options& options) {
    std::vector<std::string> environment = options.list("environment");
    const bool has_path = std::any_of(environment.begin(), environment.end(),
                                      [](const auto& entry) { return entry.starts_with("PATH="); });
    if (!has_path) {
        environment.emplace_back(
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    }
    return environment;
}

// The body as a file at its beginning. Not a pipe: nobody has to feed a command that reads slowly
// or not at all.
Fd body_file(std::string_view body) {
    Fd file = above_standard(Fd(::memfd_create("message", MFD_CLOEXEC)));
    if (!file) throw failure("memfd_create");
    for (std::size_t at = 0; at < body.size();) {
        const ssize_t n =
            ::pwrite(file.get(), body.data() + at, body.size() - at, static_cast<off_t>(at));
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

std::string readable(milliseconds time) {
    if (time.count() % 1000 == 0) return std::to_string(time.count() / 1000) + " s";
    return std::to_string(time.count()) + " ms";
}

std::string signal_name(int signal) {
    const char* name = sigabbrev_np(signal);
    return name == nullptr ? "signal " + std::to_string(signal) : std::string("SIG") + name;
}

class Exec : public myq::Handler {
public:
    explicit Exec(const myq::Start& start)
        : Handler(start),
          command_{start.options.list("command"), directory(start.options)},
          environment_(base_environment(start.options)),
          name_(std::filesystem::path(command_.argv.at(0)).filename()) {}

    myq::Outcome handle(const myq::Message& message) override {
        try {
            return run(message);
        } catch (const std::system_error& e) {
            // The machine's fault or the configuration's, never the message's.
            return myq::retry("cannot run " + command_.argv[0] + ": " + e.what());
        }
    }

private:
    myq::Outcome run(const myq::Message& message);
    std::vector<std::string> environment(const myq::Message& message) const;
    Output output(myq::Level level) const {
        return Output(
            [this, level](std::string_view line) { log(level, name_ + ": " + std::string(line)); });
    }

    Command command_;
    std::vector<std::string> environment_;
    std::string name_;
};

std::vector<std::string> Exec::environment(const myq::Message& message) const {
    std::vector<std::string> list = environment_;
    list.push_back("MYQ_TYPE=" + std::to_string(message.type()));
    list.push_back("MYQ_TYPE_NAME=" + std::string(message.type_name()));
    list.push_back("MYQ_QUEUE=" + std::string(message.queue()));
    list.push_back("MYQ_ID=" + std::string(message.id()));
    list.push_back("MYQ_ATTEMPT=" + std::to_string(message.attempt()));
    return list;
}

myq::Outcome Exec::run(const myq::Message& message) {
    // Two steps before the time is up, so that the worker is not killed for the command's sins.
    const auto timeout = message.timeout();
    const auto step =
        timeout ? std::clamp(*timeout / 20, milliseconds{2}, milliseconds{500}) : milliseconds{0};
    const auto deadline = timeout ? Clock::now() + *timeout - 2 * step : never;

    Output out = output(myq::Level::debug);
    Output err = output(myq::Level::warn);
    Child child(command_, environment(message), body_file(message.text()), out.write_end(),
                err.write_end());
    out.close_write_end();
    err.close_write_end();

    const bool answered = wait_for_end(child, {&out, &err}, deadline);
    if (!answered) {
        child.signal_group(SIGTERM);
        wait_for_end(child, {&out, &err}, Clock::now() + step);
        child.signal_group(SIGKILL);
    }
    const Child::End end = child.reap();
    out.finish();
    err.finish();
    if (!answered) return myq::retry("no answer for " + readable(*timeout));
    if (end.by_signal) return myq::reject("killed by " + signal_name(end.code));
    if (end.code == 0) return myq::done();
    const std::string status = "exit status " + std::to_string(end.code);
    return end.code == exit_try_again ? myq::retry(status) : myq::reject(status);
}

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Exec>({
        .name = "exec",
        .version = "1.0",
        .options = {{.name = "command",
                     .kind = MYQ_OPTION_LIST,
                     .required = true,
                     .help = "the program's absolute path and its arguments"},
                    {.name = "environment",
                     .kind = MYQ_OPTION_LIST,
                     .help = "NAME=VALUE for the command, beside PATH and MYQ_..."},
                    {.name = "directory",
                     .kind = MYQ_OPTION_PATH,
                     .default_value = "/",
                     .help = "where the command starts"}},
        .check = check,
    });
}
