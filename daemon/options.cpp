#include "daemon/options.hpp"

#include "config/duration.hpp"
#include "config/whole_number.hpp"
#include "daemon/complain.hpp"

#include <CLI/CLI.hpp>

#include <sysexits.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

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
    {"--reopen", Options::Action::reopen, "have the daemon open its log anew, after a rotation"},
    {"--remove-queues", Options::Action::remove_queues,
     "remove the configured queues, saying what was in them"},
    {"--try", Options::Action::try_plugin,
     "hand one message to --plugin, as a daemon would, and say what became of it"},
};

// "name=value"; a name that occurs again has one value more, as in a list.
void add_plugin_option(HandlerConfig& handler, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
        throw CLI::ValidationError("--option", "'" + text + "' is not of the form name=value");
    const std::string name = text.substr(0, equals);
    auto option = std::find_if(handler.options.begin(), handler.options.end(),
                               [&](const OptionConfig& known) { return known.name == name; });
    if (option == handler.options.end())
        option = handler.options.insert(option, {name, {}, handler.where});
    option->values.push_back(text.substr(equals + 1));
}

std::chrono::milliseconds duration(const std::string& name, const std::string& text) {
    try {
        const auto value = parse_duration(text);
        if (value.count() == 0) throw std::invalid_argument("0 is no limit: leave it out");
        return value;
    } catch (const std::invalid_argument& e) {
        throw CLI::ValidationError(name, e.what());
    }
}

// As MessageId::text() writes it.
MessageId message_id(const std::string& text) {
    MessageId id;
    const bool is_whole = text.size() == 2 * id.bytes.size();
    for (std::size_t i = 0; is_whole && i < id.bytes.size(); ++i) {
        std::uint8_t byte = 0;
        const char* digits = text.data() + 2 * i;
        if (std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return {};
        id.bytes.at(i) = std::byte{byte};
    }
    return id;
}

void add_message_options(CLI::App& app, PluginTrial& trial,
                         const std::vector<CLI::Option*>& needed) {
    using Format = HandlerConfig::Format;
    const std::map<std::string, Format> formats{
        {"raw", Format::raw}, {"php", Format::php}, {"json", Format::json}};
    const std::vector<CLI::Option*> options{
        app.add_option("--body", trial.body, "with --try: the body, instead of standard input")
            ->type_name("FILE"),
        app.add_option("--type", trial.type, "with --try: the message's type")
            ->check(whole_number(1)),
        app.add_option("--name", trial.handler.name, "with --try: what the type is called"),
        app.add_option("--queue", trial.queue, "with --try: what the queue is called")
            ->capture_default_str(),
        app.add_option("--format", trial.handler.format, "with --try: raw, php or json")
            ->transform(CLI::Transformer(formats)),
        app.add_option_function<std::string>(
               "--timeout",
               [&](const std::string& text) {
                   trial.handler.timeout = duration("--timeout", text);
               },
               "with --try: how long the handler may take, such as 5s")
            ->type_name("TIME"),
        app.add_option_function<std::string>(
               "--id",
               [&](const std::string& text) {
                   trial.id = message_id(text);
                   if (!trial.id.is_set())
                       throw CLI::ValidationError("--id", "'" + text + "' is not 32 hex digits");
               },
               "with --try: the message's id")
            ->type_name("HEX"),
        app.add_option("--attempt", trial.attempt, "with --try: which attempt this is")
            ->capture_default_str()
            ->check(whole_number(1, 1000)),
        app.add_flag_callback(
            "--no-fork", [&] { trial.forks = false; },
            "with --try: in this very process, for a debugger")};
    for (CLI::Option* option : options) {
        for (CLI::Option* other : needed)
            option->needs(other);
    }
}

// What --try and --check say of one plugin.
void add_trial_options(CLI::App& app, Options& options) {
    PluginTrial& trial = options.trial;
    trial.handler.where = "command line";
    CLI::Option* attempt = app.get_option("--try");
    CLI::Option* check = app.get_option("--check");
    CLI::Option* plugin =
        app.add_option("--plugin", trial.file, "with --try or --check: the plugin, NAME.so")
            ->type_name("FILE");
    attempt->needs(plugin);
    CLI::Option* file =
        app.add_option("--options", trial.options,
                       "with --plugin: the handler's options, as 'options:' of a configuration")
            ->type_name("FILE")
            ->needs(plugin);
    app.add_option_function<std::vector<std::string>>(
           "--option",
           [&](const std::vector<std::string>& texts) {
               for (const std::string& text : texts)
                   add_plugin_option(trial.handler, text);
           },
           "with --plugin: an option of the handler; again for a list")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false)
        ->needs(plugin)
        ->excludes(file);
    app.add_flag("--json", trial.as_json, "with --plugin: print one JSON object")->needs(plugin);
    add_message_options(app, trial, {attempt});
    app.final_callback([&options, attempt, check, plugin] {
        if (plugin->count() == 0) return;
        if (check->count() > 0) options.action = Options::Action::check_plugin;
        if (check->count() + attempt->count() == 0)
            throw CLI::ValidationError("--plugin", "goes with --try or --check");
        options.trial.file = std::filesystem::absolute(options.trial.file);
        options.trial.handler.plugin = options.trial.file.stem();
        if (!options.trial.options.empty())
            options.trial.options = std::filesystem::absolute(options.trial.options);
        if (options.trial.body) options.trial.body = std::filesystem::absolute(*options.trial.body);
    });
}

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
    add_trial_options(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        std::cout << app.help();
        std::exit(EXIT_SUCCESS);  // NOLINT(concurrency-mt-unsafe): one thread
    } catch (const CLI::CallForVersion& e) {
        std::cout << e.what() << '\n';
        std::exit(EXIT_SUCCESS);  // NOLINT(concurrency-mt-unsafe): one thread
    } catch (const CLI::ParseError& e) {
        complain(std::string("command line: ") + e.what() + "; see myqd --help");
        std::exit(EX_USAGE);  // NOLINT(concurrency-mt-unsafe): one thread
    }
    options.config = std::filesystem::absolute(options.config);
    return options;
}

}  // namespace myq
