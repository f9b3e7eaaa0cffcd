#include "client/plugin/check.hpp"

#include "client/doctor/finding.hpp"
#include "client/doctor/run.hpp"
#include "client/place.hpp"
#include "client/plugin/handler_options.hpp"
#include "client/plugin/inspect.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/wait.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

namespace {

using doctor::Findings;
using doctor::Severity;

struct PluginCheckOptions {
    std::filesystem::path file;
    HandlerOptions options;
    bool as_json = false;
};

// What helps against what the daemon says, where its sentence does not tell already.
std::string fix_of(const std::string& sentence) {
    constexpr std::pair<std::string_view, const char*> fixes[] = {
        {"undefined symbol", "link what defines it; -Wl,-z,defs, which myq_add_plugin() sets, says "
                             "so when it is built"},
        {"options.", "see what the plugin's own documentation says of its options"},
        {"belongs to uid", "chown root:root it, or copy it as root"},
        {"symbolic link", "copy the file itself"},
        {"no name for a plugin", "rename it"},
        {"ended the process that loaded it",
         "do nothing in static constructors and in myq_plugin_entry(); 'gdb --args myqd --try "
         "--no-fork --plugin FILE' shows where it ends"},
    };
    for (const auto& [part, fix] : fixes) {
        if (sentence.find(part) != std::string::npos) return fix;
    }
    return {};
}

// "/x/resize.so: why" without what is known already.
std::string without_name(const std::string& sentence, const std::filesystem::path& file) {
    for (const std::string& prefix : {std::string("myqd: "), file.string() + ": "}) {
        if (sentence.starts_with(prefix)) return without_name(sentence.substr(prefix.size()), file);
    }
    return sentence;
}

std::string described(const std::string& json_text) {
    const auto json = nlohmann::json::parse(json_text, nullptr, false);
    if (!json.is_object()) return "the daemon takes it";
    std::string types;
    for (const auto& type : json.value("types", nlohmann::json::array()))
        types += (types.empty() ? "" : ", ") + type.dump();
    return fmt::format("plugin {} {}, types: {}", json.value("name", ""), json.value("version", ""),
                       types.empty() ? "as the configuration says" : types);
}

// The daemon itself loads it, in a throw-away process: who else would know.
Findings ask_myqd(const PluginCheckOptions& options, const ConfigChoice& config) {
    std::vector<std::string> command{"myqd",   "-c",       config.file().string(), "--check",
                                     "--json", "--plugin", options.file.string()};
    options.options.append_to(command);
    const auto ran = doctor::run(command);
    if (!ran) {
        return {{Severity::unknown, "daemon's checks", "there is no myqd in /usr/sbin or $PATH",
                 "install the package myq"}};
    }
    if (ran->status == 0) return {{Severity::fine, "daemon's checks", described(ran->out), ""}};
    Findings findings;
    std::istringstream lines(ran->err);
    for (std::string line; std::getline(lines, line);) {
        const std::string what = without_name(line, options.file);
        findings.push_back({Severity::error, "daemon's checks", what, fix_of(what)});
    }
    return findings;
}

void check_plugin_verb(PluginCheckOptions options, const ConfigChoice& config) {
    options.file = std::filesystem::absolute(options.file);
    Findings findings = ask_myqd(options, config);
    const Findings seen = inspect_plugin(options.file);
    findings.insert(findings.end(), seen.begin(), seen.end());
    doctor::report(findings, options.as_json);
}

}  // namespace

void add_plugin_check(CLI::App& plugin, const ConfigChoice& config) {
    auto options = std::make_shared<PluginCheckOptions>();
    CLI::App* verb = plugin.add_subcommand(
        "check", "Say what the daemon would refuse a plugin for, and what makes it unsafe");
    verb->add_option("FILE", options->file, "The plugin, NAME.so")->required()->type_name("");
    options->options.add(*verb);
    verb->add_flag("--json", options->as_json, "One JSON object a line");
    verb->callback([options, &config] { check_plugin_verb(*options, config); });
}

}  // namespace myq
