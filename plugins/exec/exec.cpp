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
//   standard output   logged line by line at level debug; when the message's sender waits for a
//                     reply it is that instead, byte for byte, if it exits with 0 or is rejected
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
#include "plugins/process/run_command.hpp"
#include "plugins/time_to_answer.hpp"

#include <myq/handler.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr int exit_try_again = 75;

std::string directory(const myq::Options& options) {
    return options.text("directory", "/");
}

// Judges the options without running anything.
void check(const myq::Options& options) {
    check_program("command", options.list("command").at(0));
    const auto refuse = [](std::string_view option, const std::string& value,
                           const std::string& why) {
        throw std::invalid_argument("option '" + std::string(option) + "': " + value + ": " + why);
    };
    std::error_code ignored;  // "no" is an answer too
    if (!std::filesystem::is_directory(directory(options), ignored)) {
        refuse("directory", directory(options), "is no directory");
    }
    std::set<std::string> seen;
    std::size_t number = 0;
    for (const std::string& entry : options.list("environment")) {
        ++number;
        // A value may be a secret, and what is no NAME=VALUE may be one as well.
        const std::string name = entry.substr(0, entry.find('='));
        if (name.empty() || name.size() == entry.size()) {
            refuse("environment", "entry " + std::to_string(number), "write NAME=VALUE");
        }
        if (name.starts_with("MYQ_")) refuse("environment", name, "MYQ_ names are set by myq");
        if (!seen.insert(name).second) refuse("environment", name, "the name is there twice");
    }
}

std::vector<std::string> base_environment(const myq::Options& options) {
    std::vector<std::string> environment = options.list("environment");
    const bool has_path = std::any_of(environment.begin(), environment.end(),
                                      [](const auto& entry) { return entry.starts_with("PATH="); });
    if (!has_path) environment.emplace_back(standard_path);
    return environment;
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
    Output logged(myq::Level level) const {
        return Output(
            [this, level](std::string_view line) { log(level, name_ + ": " + std::string(line)); });
    }

    // The sender's, who waits for it; of no use to anybody when it is too long.
    Output replied() const {
        return Output(
            [this, complained = false](std::string_view bytes) mutable {
                if (reply(bytes) || complained) return;
                complained = true;
                log(myq::Level::warn, name_ + ": prints more than a reply may have");
            },
            Output::Pass::bytes);
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
    const auto timeout = message.timeout();
    std::optional<Patience> patience;
    if (timeout) patience = {time_to_answer(message, *timeout), answer_step(*timeout)};
    const auto end = run_command(command_, environment(message), message.text(), patience,
                                 message.wants_reply() ? replied() : logged(myq::Level::debug),
                                 logged(myq::Level::warn));
    if (!end) return myq::retry("no answer for " + readable(*timeout));
    if (end->by_signal) return myq::reject(describe(*end));
    if (end->code == 0) return myq::done();
    return end->code == exit_try_again ? myq::retry(describe(*end)) : myq::reject(describe(*end));
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
