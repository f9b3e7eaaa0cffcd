#include "daemon/trial_command.hpp"

#include "config/duration.hpp"
#include "daemon/complain.hpp"
#include "daemon/logging.hpp"
#include "daemon/option_check.hpp"
#include "daemon/plan.hpp"
#include "daemon/plugin_probe.hpp"
#include "daemon/trial.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/terminal.hpp"
#include "ipc/message_queue.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace myq {

namespace {

using Json = nlohmann::ordered_json;

struct Verdict {
    const char* word;
    int exit_code;
};

Verdict verdict(TrialEnd::What what) {
    switch (what) {
    case TrialEnd::What::done:
        return {"done", EXIT_SUCCESS};
    case TrialEnd::What::retry:
        return {"retry", EX_TEMPFAIL};
    case TrialEnd::What::reject:
        return {"reject", EX_DATAERR};
    case TrialEnd::What::crash:
        return {"crash", EX_SOFTWARE};
    case TrialEnd::What::timeout:
        return {"timeout", EX_SOFTWARE};
    }
    return {"", EX_SOFTWARE};  // not reached: the enum has five values
}

// What the daemon would take at most: the queue's max_body, or what is usual where there is none.
std::uint64_t longest_body(const Options& options) {
    std::uint64_t longest = QueueConfig{}.max_body;
    try {
        for (const QueueConfig& queue : load_config(options.config, MYQ_PLUGIN_DIR).queues) {
            if (queue.name == options.trial.queue) longest = queue.max_body;
        }
    } catch (const ConfigError&) {
        // A plugin is tried without a daemon, and so without a configuration.
    }
    return std::max<std::uint64_t>(longest, largest_body());
}

std::string read_body(const std::optional<std::filesystem::path>& file, std::uint64_t limit) {
    const Fd in{file ? ::open(file->c_str(), O_RDONLY | O_CLOEXEC)
                     : ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)};
    const std::string name = file ? file->string() : "standard input";
    if (!in) throw failure("cannot open " + name);
    std::string body;
    std::array<char, 65536> piece{};
    for (;;) {
        const ssize_t n = ::read(in.value(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw failure("cannot read " + name);
        if (n == 0) return body;
        body.append(piece.data(), static_cast<std::size_t>(n));
        if (body.size() > limit) {
            throw TrialFailure(EX_USAGE,
                               fmt::format("{}: no body may have more than {} bytes: see max_body "
                                           "in myq.yaml(5), and --queue",
                                           name, limit));
        }
    }
}

// Who would run it, and whose file it may be.
struct Owner {
    explicit Owner(const Options& options)
        : by_root(::geteuid() == 0),
          config(load_daemon_config(options.config)),
          service(service_identity(config)) {}

    std::shared_ptr<const PluginImage> read(const std::filesystem::path& file) const {
        if (file.extension() != ".so")
            throw PluginError(file.string() + ": is no name for a plugin; call it NAME.so");
        return read_plugin(file.parent_path(), file.stem(), by_root ? 0 : ::geteuid());
    }

    ProbeResult probe(const std::shared_ptr<const PluginImage>& image,
                      const HandlerConfig& handler) const {
        return probe_plugin(image, {&handler}, by_root ? std::optional(service) : std::nullopt);
    }

    bool by_root;
    DaemonConfig config;
    Identity service;
};

// The same as the probe, in this process.
ProbeResult look_here(const PluginImage& image, const HandlerConfig& handler) {
    log_as(image.name.c_str());
    const Plugin plugin(image);
    const myq_plugin& contract = plugin.contract();
    return {{contract.name,
             contract.version,
             {contract.types, contract.types + contract.type_count},
             {}},
            check_options(contract, handler)};
}

// With the options that stand in a file.
PluginTrial wanted_of(const Options& options) {
    PluginTrial wanted = options.trial;
    if (!wanted.options.empty()) wanted.handler.options = load_options(wanted.options);
    return wanted;
}

void refuse_problems(const ProbeResult& probe) {
    if (!probe.problems.empty())
        throw PluginError(fmt::format("{}", fmt::join(probe.problems, "\n")));
}

std::string to_text(const TrialEnd& end) {
    std::string text = verdict(end.what).word;
    if (!end.reason.empty()) text += ": " + printable(end.reason);
    if (end.delay)
        text += fmt::format("; the next attempt would be in {}", duration_text(*end.delay));
    return text;
}

Json to_json(const TrialEnd& end, const Trial& trial, const PluginDescription& plugin) {
    Json json{
        {"outcome", verdict(end.what).word}, {"reason", end.reason}, {"plugin", plugin.name},
        {"version", plugin.version},         {"type", trial.type},   {"attempt", trial.attempt}};
    if (end.delay) json["delay_ms"] = end.delay->count();
    return json;
}

void print_json(const Json& json) {
    fmt::print("{}", json_line(json));
}

}  // namespace

int try_plugin(const Options& options) try {
    const PluginTrial wanted = wanted_of(options);
    Trial trial;
    trial.body = read_body(wanted.body, longest_body(options));
    clean_process();
    silence(STDIN_FILENO);
    open_log({LogConfig::Level::debug, LogConfig::Target::standard_error, {}}, {});
    const Owner owner(options);
    const auto image = owner.read(wanted.file);
    if (owner.by_root)
        drop_privileges(owner.service, {owner.config.no_new_privs, owner.config.keep_ipc_owner});
    std::optional<TerminalShield> shield;
    if (wanted.forks) {
        shield.emplace(plain_lines);
    } else {
        lose_controlling_terminal();
    }
    const ProbeResult probe = wanted.forks ? probe_plugin(image, {&wanted.handler}, {})
                                           : look_here(*image, wanted.handler);
    refuse_problems(probe);

    const auto& types = probe.description.types;
    trial.type = wanted.type.value_or(types.empty() ? 1 : types.front());
    trial.route = {wanted.handler, image};
    trial.route.handler.type = trial.type;
    trial.service = owner.service;
    trial.queue = wanted.queue;
    trial.id = wanted.id;
    trial.attempt = wanted.attempt;
    const TrialEnd end = wanted.forks ? run_trial(trial) : run_trial_here(trial);
    shield.reset();  // what the handler wrote comes first
    if (wanted.as_json) {
        print_json(to_json(end, trial, probe.description));
    } else {
        fmt::print("{}\n", to_text(end));
    }
    return verdict(end.what).exit_code;
} catch (const TrialFailure& e) {
    if (*e.what() != '\0') complain(std::string("try: ") + e.what());
    return e.exit_code();
}

int check_plugin(const Options& options) {
    const PluginTrial wanted = wanted_of(options);
    open_log({LogConfig::Level::debug, LogConfig::Target::standard_error, {}}, {});
    const Owner owner(options);
    const auto image = owner.read(wanted.file);
    const ProbeResult probe = owner.probe(image, wanted.handler);
    // Whatever is to be set is for the configuration to say: nobody asked about options.
    if (!wanted.handler.options.empty()) refuse_problems(probe);
    const PluginDescription& plugin = probe.description;
    if (wanted.as_json) {
        print_json({{"name", plugin.name}, {"version", plugin.version}, {"types", plugin.types}});
    } else {
        fmt::print("{}: fine: plugin {} {}, types: {}\n", plain_line(wanted.file.string()),
                   printable(plugin.name), printable(plugin.version),
                   plugin.types.empty() ? "as the configuration says"
                                        : fmt::format("{}", fmt::join(plugin.types, ", ")));
    }
    return EXIT_SUCCESS;
}

}  // namespace myq
