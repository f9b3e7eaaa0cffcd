#include "client/status.hpp"

#include "client/answer_fields.hpp"
#include "client/daemon_socket.hpp"
#include "client/failure.hpp"
#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/status_text.hpp"
#include "config/directories.hpp"
#include "config/suggestion.hpp"
#include "config/text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

namespace {

struct StatusOptions {
    std::string queue;
    bool json = false;
    bool lsb = false;
};

// LSB: 0 running, 3 not running, 4 not to be known.
constexpr int lsb_not_running = 3;
constexpr int lsb_unknown = 4;

// A daemon is found whatever became of its file since it started.
std::filesystem::path run_dir(const ConfigChoice& config) {
    return run_directory(load_daemon_config(config.file()), config.file());
}

[[noreturn]] void answer_lsb(const ConfigChoice& config) {
    int status = lsb_unknown;
    try {
        status = ask_daemon(run_dir(config), "status\n") ? 0 : lsb_not_running;
    } catch (const std::exception&) {
        // The number says it.
    }
    throw QuietExit{status};
}

DaemonStatus parse(const std::string& answer) {
    try {
        return parse_daemon_status(answer);
    } catch (const std::invalid_argument& e) {
        throw answer::unreadable(e);
    }
}

void check_queue(const DaemonStatus& status, const std::string& name) {
    std::vector<std::string_view> known;
    for (const DaemonStatus::Queue& queue : status.queues)
        known.emplace_back(queue.name);
    if (name.empty() || std::find(known.begin(), known.end(), name) != known.end()) return;
    const auto meant = closest(name, known);
    throw Failure(ExitCode::usage,
                  fmt::format("{}: the daemon has no queue of this name: {}", myq::quoted(name),
                              meant ? fmt::format("did you mean '{}'?", *meant)
                                    : fmt::format("it has {}", fmt::join(known, ", "))));
}

// The daemon's own words, on one line; `queue` limits them to one queue.
std::string as_json(const std::string& answer, const std::string& queue) {
    nlohmann::ordered_json all = nlohmann::ordered_json::parse(answer);
    const auto keep = [&](const char* list, const char* member) {
        auto kept = nlohmann::ordered_json::array();
        for (const auto& one : all[list]) {
            if (queue.empty() || one[member] == queue) kept.push_back(one);
        }
        all[list] = kept;
    };
    keep("workers", "queue");
    keep("queues", "name");
    return json_line(all);
}

void status(const StatusOptions& options, const ConfigChoice& config) {
    if (options.lsb) answer_lsb(config);
    const std::filesystem::path directory = run_dir(config);
    const std::optional<std::string> answer = ask_daemon(directory, "status\n");
    if (!answer) {
        throw Failure(ExitCode::unavailable,
                      fmt::format("myqd is not running (no one listens at {}): service myq start",
                                  daemon_socket(directory).string()));
    }
    const DaemonStatus parsed = parse(*answer);
    check_queue(parsed, options.queue);
    print_out(options.json ? as_json(*answer, options.queue)
                           : to_text(parsed, options.queue, now_ms()));
}

}  // namespace

void add_status(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<StatusOptions>();
    CLI::App* verb =
        app.add_subcommand("status", "Show what the daemon does, and what became of every message");
    verb->add_option("QUEUE", options->queue, "Only this queue of the config")->type_name("");
    CLI::Option* json = verb->add_flag("--json", options->json, "The daemon's own JSON object");
    verb->add_flag("--lsb", options->lsb, "Print nothing: status 0 if it runs, 3 if not")
        ->excludes(json);
    verb->callback([options, &config] { status(*options, config); });
}

}  // namespace myq
