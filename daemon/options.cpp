#include "daemon/options.hpp"

#include <CLI/CLI.hpp>

#include <sysexits.h>

#include <cstdlib>
#include <iostream>

namespace myq {

namespace {

struct ActionFlag {
    const char* names;
    Options::Action action;
    const char* help;
};

constexpr ActionFlag action_flags[] = {
    {"-t,--check", Options::Action::check,
     "check configuration, plugins and queues; change nothing"},
    {"--stop", Options::Action::stop, "stop the running daemon and wait until it is gone"},
    {"--status", Options::Action::status, "say whether the daemon runs (LSB exit codes)"},
    {"--reload", Options::Action::reload, "check the configuration, then have the daemon read it"},
    {"--remove-queues", Options::Action::remove_queues,
     "remove the configured queues, saying what was in them"},
};

}  // namespace

Options parse_options(int argc, char** argv) {
    Options options;
    CLI::App app{
        "Gives the messages of System V queues to handlers. Without an action: starts the daemon.",
        "myqd"};
    app.set_version_flag("--version", "myqd " MYQ_VERSION);
    app.add_option("-c,--config", options.config, "configuration file")
        ->capture_default_str()
        ->type_name("FILE");
    CLI::Option* foreground = app.add_flag("-F,--foreground", options.foreground,
                                           "do not detach; everything else stays the same");
    std::vector<CLI::Option*> actions;
    for (const ActionFlag& flag : action_flags) {
        actions.push_back(app.add_flag_callback(
            flag.names, [&options, &flag] { options.action = flag.action; }, flag.help));
        foreground->excludes(actions.back());
    }
    for (CLI::Option* one : actions) {
        for (CLI::Option* other : actions) {
            if (one != other) one->excludes(other);
        }
    }
    app.add_flag_callback(
           "--no-drain", [&options] { options.drain = false; },
           "with --stop: leave what waits where it is, for a restart")
        ->needs("--stop");
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::cout << app.help();
        std::exit(EXIT_SUCCESS);  // NOLINT(concurrency-mt-unsafe): one thread
    } catch (const CLI::CallForVersion& e) {
        std::cout << e.what() << '\n';
        std::exit(EXIT_SUCCESS);  // NOLINT(concurrency-mt-unsafe): one thread
    } catch (const CLI::ParseError& e) {
        std::cerr << "myqd: command line: " << e.what() << "; see myqd --help\n";
        std::exit(EX_USAGE);  // NOLINT(concurrency-mt-unsafe): one thread
    }
    options.config = std::filesystem::absolute(options.config);
    return options;
}

}  // namespace myq
