#include "config/config.hpp"

#include "config/config_file.hpp"
#include "config/queue_config.hpp"
#include "config/section.hpp"
#include "config/size.hpp"

#include <array>
#include <utility>

namespace myq {

namespace {

using namespace std::chrono_literals;

enum class Capability { ipc_owner };

constexpr std::array capabilities = {Choice<Capability>{"ipc_owner", Capability::ipc_owner}};

constexpr std::array levels = {
    Choice<LogConfig::Level>{"debug", LogConfig::Level::debug},
    Choice<LogConfig::Level>{"info", LogConfig::Level::info},
    Choice<LogConfig::Level>{"warn", LogConfig::Level::warn},
    Choice<LogConfig::Level>{"error", LogConfig::Level::error},
};

constexpr std::array targets = {
    Choice<LogConfig::Target>{"file", LogConfig::Target::file},
    Choice<LogConfig::Target>{"syslog", LogConfig::Target::syslog},
    Choice<LogConfig::Target>{"stderr", LogConfig::Target::standard_error},
};

}  // namespace

// static, not in the unnamed namespace: Section finds a decode() by its arguments, and that looks
// into myq only.
static void decode(const Value& value, DaemonConfig& daemon) {
    Section section{value};
    section.read("user", daemon.user, account_rule);
    section.read("group", daemon.group, account_rule);
    section.read("stop_timeout", daemon.stop_timeout, Between<std::chrono::milliseconds>{0ms, 1h});
    section.read("run_dir", daemon.run_dir);
    section.read("no_new_privs", daemon.no_new_privs);
    std::vector<Capability> kept;
    section.read("keep_capabilities", kept, std::span<const Choice<Capability>>{capabilities});
    daemon.keep_ipc_owner = !kept.empty();  // there is but one
}

static void decode(const Value& value, LogConfig& log) {
    Section section{value};
    section.read("level", log.level, std::span<const Choice<LogConfig::Level>>{levels});
    section.read("target", log.target, std::span<const Choice<LogConfig::Target>>{targets});
    section.read("file", log.file);
}

static void decode(const Value& value, PluginsConfig& plugins) {
    Section section{value};
    section.read("dir", plugins.dir);
    section.read("auto_route", plugins.auto_route);
    section.read("watch", plugins.watch);
}

static void decode(const Value& value, JournalConfig& journal) {
    Section section{value};
    section.read("dir", journal.dir);
    section.read("max_size", journal.max_size, Between<std::uint64_t>{mebibyte, tebibyte});
    section.read("min_free", journal.min_free, Between<std::uint64_t>{0, tebibyte});
}

static void decode(const Value& value, Config& config) {
    Section section{value};
    section.read("daemon", config.daemon);
    section.read("log", config.log);
    section.read("plugins", config.plugins);
    section.read("journal", config.journal);
    QueueIdentities identities;
    const AroundQueues around{config.plugins, config.journal};
    const bool has_queues = section.require("queues", config.queues, identities, around);
    if (has_queues && section.at("queues").node().children.empty()) {
        section.at("queues").refuse("is empty: at least one queue is needed");
    }
}

Config parse_config(std::string_view text, const std::filesystem::path& file,
                    const std::filesystem::path& default_plugins_dir) {
    Mistakes mistakes{file};
    const YamlNode root = parse_yaml(text, mistakes);
    Config config;
    config.source = std::filesystem::absolute(file);
    config.plugins.dir = default_plugins_dir;
    if (root.kind != YamlNode::Kind::broken) decode(Value{root, "", mistakes}, config);
    mistakes.throw_if_any();
    return config;
}

Config load_config(const std::filesystem::path& file,
                   const std::filesystem::path& default_plugins_dir) {
    return parse_config(read_config_file(file), file, default_plugins_dir);
}

std::vector<OptionConfig> load_options(const std::filesystem::path& file) {
    Mistakes mistakes{file};
    const YamlNode root = parse_yaml(read_config_file(file), mistakes);
    std::vector<OptionConfig> options;
    if (root.kind != YamlNode::Kind::broken) decode(Value{root, "options", mistakes}, options);
    mistakes.throw_if_any();
    return options;
}

DaemonConfig load_daemon_config(const std::filesystem::path& file) {
    Config config;
    try {
        Mistakes ignored{file};
        const YamlNode root = parse_yaml(read_config_file(file), ignored);
        if (root.kind != YamlNode::Kind::broken) decode(Value{root, "", ignored}, config);
    } catch (const ConfigError&) {
        return {};
    }
    return config.daemon;
}

}  // namespace myq
