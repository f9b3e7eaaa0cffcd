#pragma once

#include "config/config.hpp"
#include "ipc/envelope.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace myq {

constexpr const char* system_config = "/etc/myq/myq.yaml";

// One plugin that is looked at without the configuration: with --check, or one message for it.
struct PluginTrial {
    std::filesystem::path file;                 // absolute
    HandlerConfig handler;                      // its options, format, timeout and name
    std::filesystem::path options;              // absolute; a file with its options; empty: none
    std::optional<std::filesystem::path> body;  // absolute; not set: standard input
    std::string queue = "try";
    std::optional<std::int64_t> type;  // not set: the first that the plugin names, else 1
    MessageId id;
    std::uint32_t attempt = 1;
    bool forks = true;
    bool as_json = false;
};

// What the command line of myqd asks for.
struct Options {
    enum class Action {
        start,
        check,
        check_plugin,
        try_plugin,
        stop,
        status,
        reload,
        reopen,
        remove_queues
    };

    Action action = Action::start;
    std::filesystem::path config = system_config;  // absolute
    bool foreground = false;
    bool drain = true;  // with stop: as the queues' `drain:` says
    PluginTrial trial;  // with check_plugin and try_plugin
};

// Ends the process for --help and --version (0) and for a wrong command line (64, EX_USAGE).
Options parse_options(int argc, char** argv);

}  // namespace myq
