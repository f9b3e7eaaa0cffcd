#include "config/config.hpp"
#include "config/duration.hpp"
#include "config/size.hpp"

#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

// dump_config FILE: prints every field of the configuration in FILE, or what is wrong with it. See
// the script `golden` beside this file. It parses the text and does not load the file, so that the
// owner of a source tree is nobody's business.
namespace {

using namespace myq;

// Each text between bars, so that an empty one and a blank at its end are seen.
std::string bars(const std::string& text) {
    return "|" + text + "|";
}

std::string bars(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts)
        all += bars(text) + " ";
    return "[" + all.substr(0, all.empty() ? 0 : all.size() - 1) + "]";
}

const char* text(bool value) {
    return value ? "true" : "false";
}

const char* text(LogConfig::Level level) {
    switch (level) {
    case LogConfig::Level::debug:
        return "debug";
    case LogConfig::Level::info:
        return "info";
    case LogConfig::Level::warn:
        return "warn";
    case LogConfig::Level::error:
        return "error";
    }
    return "?";
}

const char* text(LogConfig::Target target) {
    switch (target) {
    case LogConfig::Target::file:
        return "file";
    case LogConfig::Target::syslog:
        return "syslog";
    case LogConfig::Target::standard_error:
        return "stderr";
    }
    return "?";
}

const char* text(QueueConfig::Durability durability) {
    return durability == QueueConfig::Durability::journal ? "journal" : "memory";
}

const char* text(QueueConfig::Overflow overflow) {
    return overflow == QueueConfig::Overflow::journal ? "journal" : "block";
}

std::string text(const RetryConfig& retry) {
    return std::to_string(retry.attempts) + " attempts, delay " + duration_text(retry.delay) +
           " to " + duration_text(retry.max_delay) + ", jitter " + std::to_string(retry.jitter);
}

std::string mode_text(mode_t mode) {
    std::array<char, 8> digits{};
    std::snprintf(digits.data(), digits.size(), "%04o", mode);
    return digits.data();
}

const char* text(HandlerConfig::Format format) {
    switch (format) {
    case HandlerConfig::Format::raw:
        return "raw";
    case HandlerConfig::Format::php:
        return "php";
    case HandlerConfig::Format::json:
        return "json";
    }
    return "";
}

void dump(std::ostream& out, const HandlerConfig& handler) {
    out << "  handler at " << handler.where << "\n"
        << "    type " << (handler.type ? std::to_string(*handler.type) : "any") << "\n"
        << "    name " << bars(handler.name) << "\n"
        << "    plugin " << bars(handler.plugin) << "\n"
        << "    format " << text(handler.format) << "\n"
        << "    timeout " << (handler.timeout ? duration_text(*handler.timeout) : "none") << "\n"
        << "    retry " << (handler.retry ? text(*handler.retry) : "the queue's") << "\n";
    for (const OptionConfig& option : handler.options) {
        out << "    option " << bars(option.name) << " " << bars(option.values) << " at "
            << option.where << "\n";
    }
}

void dump(std::ostream& out, const RecycleConfig& recycle) {
    const auto& [max_messages, max_age, max_rss] = recycle;
    out << "  recycle\n"
        << "    max_messages " << (max_messages ? std::to_string(*max_messages) : "none") << "\n"
        << "    max_age " << (max_age ? duration_text(*max_age) : "none") << "\n"
        << "    max_rss " << (max_rss ? size_text(*max_rss) : "none") << "\n";
}

std::string paths(const std::vector<std::filesystem::path>& list) {
    return bars(std::vector<std::string>(list.begin(), list.end()));
}

template <typename T>
std::string number_or_none(const std::optional<T>& value) {
    return value ? std::to_string(*value) : "none";
}

void dump(std::ostream& out, const SandboxConfig& sandbox) {
    out << "  sandbox\n"
        << "    memory " << (sandbox.memory ? size_text(*sandbox.memory) : "none") << "\n"
        << "    cpu " << (sandbox.cpu ? duration_text(*sandbox.cpu) : "none") << "\n"
        << "    files " << number_or_none(sandbox.files) << "\n"
        << "    processes " << number_or_none(sandbox.processes) << "\n"
        << "    read " << paths(sandbox.read) << "\n"
        << "    write " << paths(sandbox.write) << "\n"
        << "    network " << text(sandbox.network) << "\n";
}

void dump(std::ostream& out, const QueueConfig& queue) {
    out << "queue at " << queue.where << "\n"
        << "  name " << bars(queue.name) << "\n"
        << "  key " << queue.key.text() << "\n"
        << "  group " << bars(queue.group) << "\n"
        << "  mode " << mode_text(queue.mode) << "\n"
        << "  capacity " << (queue.capacity ? std::to_string(*queue.capacity) : "kernel's") << "\n"
        << "  max_body " << size_text(queue.max_body) << "\n"
        << "  max_keyed_delay " << duration_text(queue.max_keyed_delay) << "\n"
        << "  creators " << bars(queue.creators) << "\n"
        << "  durability " << text(queue.durability) << "\n"
        << "  overflow " << text(queue.overflow) << "\n"
        << "  drain " << text(queue.drain) << "\n";
    for (const ReceiverConfig& receiver : queue.receivers) {
        out << "  receivers " << receiver.count << " for " << receiver.types.text() << "\n";
    }
    out << "  retry " << text(queue.retry) << "\n";
    dump(out, queue.recycle);
    if (queue.sandbox) dump(out, *queue.sandbox);
    for (const HandlerConfig& handler : queue.handlers)
        dump(out, handler);
}

void dump(std::ostream& out, const Config& config) {
    out << "source " << config.source.filename().string() << "\n"
        << "daemon\n"
        << "  user " << bars(config.daemon.user) << "\n"
        << "  group " << bars(config.daemon.group) << "\n"
        << "  stop_timeout " << duration_text(config.daemon.stop_timeout) << "\n"
        << "  run_dir " << bars(config.daemon.run_dir.string()) << "\n"
        << "  no_new_privs " << text(config.daemon.no_new_privs) << "\n"
        << "  keep_ipc_owner " << text(config.daemon.keep_ipc_owner) << "\n"
        << "log\n"
        << "  level " << text(config.log.level) << "\n"
        << "  target " << text(config.log.target) << "\n"
        << "  file " << bars(config.log.file.string()) << "\n"
        << "plugins\n"
        << "  dir " << bars(config.plugins.dir.string()) << "\n"
        << "  auto_route " << text(config.plugins.auto_route) << "\n"
        << "  watch " << text(config.plugins.watch) << "\n"
        << "journal\n"
        << "  dir " << bars(config.journal.dir.string()) << "\n"
        << "  max_size " << size_text(config.journal.max_size) << "\n"
        << "  min_free " << size_text(config.journal.min_free) << "\n";
    for (const QueueConfig& queue : config.queues)
        dump(out, queue);
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 2) {
        std::cerr << "usage: dump_config FILE\n";
        return 2;
    }
    std::ifstream file{argv[1], std::ios::binary};
    std::ostringstream yaml;
    yaml << file.rdbuf();
    try {
        dump(std::cout, parse_config(yaml.str(), argv[1], "/built/in/plugins"));
    } catch (const ConfigError& e) {
        std::cout << e.what() << "\n";
        return 1;
    }
    return 0;
} catch (const std::exception& e) {
    std::cerr << "dump_config: " << e.what() << "\n";
    return 3;
}
