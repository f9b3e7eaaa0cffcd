#include "client/plugin/try.hpp"

#include "client/find_program.hpp"
#include "client/place.hpp"
#include "client/plugin/handler_options.hpp"
#include "client/take_place.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace myq {

namespace {

// What myqd --try has under the same name, and judges.
struct TryWord {
    const char* name;
    const char* type;
    const char* help;
};
constexpr std::array try_words{
    TryWord{"--body", "FILE", "Read the body from there instead of standard input"},
    TryWord{"--type", "NUMBER", "Its type; the first that the plugin names, or 1, if not given"},
    TryWord{"--name", "NAME", "What the type is called"},
    TryWord{"--queue", "NAME", "What the queue is called"},
    TryWord{"--format", "FORMAT", "raw, php or json, as in the configuration"},
    TryWord{"--timeout", "TIME", "How long the handler may take, such as 5s"},
    TryWord{"--id", "HEX", "Its id, 32 hex digits"},
    TryWord{"--attempt", "NUMBER", "Which attempt this is"},
};

struct PluginTryOptions {
    std::filesystem::path file;
    HandlerOptions options;
    std::array<std::string, try_words.size()> words;
    bool as_json = false;
    bool in_debugger = false;
};

std::vector<std::string> command_of(const PluginTryOptions& options, const ConfigChoice& config) {
    std::vector<std::string> command{found("myqd"), "-c",       config.file().string(),
                                     "--try",       "--plugin", options.file.string()};
    options.options.append_to(command);
    for (std::size_t i = 0; i < try_words.size(); ++i) {
        if (!options.words.at(i).empty())
            command.insert(command.end(), {try_words.at(i).name, options.words.at(i)});
    }
    if (options.as_json) command.emplace_back("--json");
    if (options.in_debugger) {
        command.emplace_back("--no-fork");
        command.insert(command.begin(), {found("gdb"), "--args"});
    }
    return command;
}

void try_plugin(const PluginTryOptions& options, const ConfigChoice& config) {
    take_place(command_of(options, config), options.in_debugger ? "gdb" : "myq");
}

}  // namespace

void add_plugin_try(CLI::App& plugin, const ConfigChoice& config) {
    auto options = std::make_shared<PluginTryOptions>();
    CLI::App* verb = plugin.add_subcommand(
        "try", "Hand one message to a plugin, as the daemon would, and say what becomes of it");
    verb->add_option("FILE", options->file, "The plugin, NAME.so")->required()->type_name("");
    options->options.add(*verb);
    for (std::size_t i = 0; i < try_words.size(); ++i) {
        verb->add_option(try_words.at(i).name, options->words.at(i), try_words.at(i).help)
            ->type_name(try_words.at(i).type);
    }
    verb->add_flag("--json", options->as_json, "Print one JSON object");
    // Its standard input is the terminal's.
    verb->add_flag("--gdb", options->in_debugger, "Run the handler in the debugger")
        ->needs("--body");
    verb->callback([options, &config] { try_plugin(*options, config); });
}

}  // namespace myq
