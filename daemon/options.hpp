#pragma once

#include <filesystem>

namespace myq {

constexpr const char* system_config = "/etc/myq/myq.yaml";

// What the command line of myqd asks for.
struct Options {
    enum class Action { start, check, stop, status, reload, remove_queues };

    Action action = Action::start;
    std::filesystem::path config = system_config;  // absolute
    bool foreground = false;
    bool drain = true;  // with stop: as the queues' `drain:` says
};

// Ends the process for --help and --version (0) and for a wrong command line (64, EX_USAGE).
Options parse_options(int argc, char** argv);

}  // namespace myq
