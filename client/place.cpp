#include "client/place.hpp"

#include "client/failure.hpp"
#include "config/suggestion.hpp"
#include "config/text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace myq {

namespace {

const QueueConfig& queue_named(const Config& config, const std::string& name) {
    std::vector<std::string_view> known;
    for (const QueueConfig& queue : config.queues) {
        if (queue.name == name) return queue;
        known.emplace_back(queue.name);
    }
    const auto meant = closest(name, known);
    const std::string advice =
        meant ? fmt::format("did you mean '{}'?", *meant)
              : fmt::format("it has {}; any other queue is named by --key or --id",
                            fmt::join(known, ", "));
    throw Failure(ExitCode::usage, fmt::format("{}: no queue of this name in {}: {}",
                                               myq::quoted(name), config.source.string(), advice));
}

MessageQueue open(const QueueKey& key, const std::string& name, bool configured) {
    try {
        return MessageQueue::open(key);
    } catch (const IpcError& e) {
        if (e.error() != ENOENT) throw;
        throw Failure(ExitCode::unavailable,
                      fmt::format("{}: there is no queue with key {}: {}myq create --key {}", name,
                                  key.text(),
                                  configured ? "is the daemon running? Start it: service myq "
                                               "start; or make the queue: "
                                             : "start the program that makes it, or make it: ",
                                  key.text()));
    }
}

Place find_by_name(const std::string& dest, const ConfigChoice& choice) {
    Address address = address_of(dest, choice.load());
    const int id = open(address.config->key, address.name, true).id();
    const std::string name = "queue " + address.name;
    return {MessageQueue::from_id(id, name), std::move(address)};
}

Place find_by_key(const std::string& text) {
    const QueueKey key = parse_key(text);
    const std::string name = "queue " + key.text();
    return {open(key, name, false), {name, {}, {}}};
}

Place find_by_id(int id) {
    const MessageQueue queue = MessageQueue::from_id(id);
    try {
        queue.stat_any();
    } catch (const IpcError& e) {
        if (e.error() != EIDRM) throw;
        throw Failure(
            ExitCode::unavailable,
            fmt::format("{}: there is none: see which there are with myq list", queue.name()));
    }
    return {queue, {queue.name(), {}, {}}};
}

}  // namespace

void ConfigChoice::add(CLI::App& app) {
    app.add_option_function<std::string>(
           "-c,--config",
           [this](const std::string& file) {
               explicit_ = true;
               file_ = file;
           },
           "The file that gives queues their names, if not /etc/myq/myq.yaml")
        ->envname("MYQ_CONFIG")
        ->type_name("FILE");
}

Config ConfigChoice::load() const {
    return load_config(file_, MYQ_PLUGIN_DIR);
}

std::optional<Config> ConfigChoice::load_if_there() const {
    if (!explicit_ && !std::filesystem::exists(file_)) return std::nullopt;
    return load();
}

Address address_of(const std::string& dest, const Config& config) {
    const std::size_t slash = dest.find('/');
    const std::string name = dest.substr(0, slash);
    const std::string type = slash == std::string::npos ? "" : dest.substr(slash + 1);
    if (slash != std::string::npos && type.empty()) {
        throw Failure(ExitCode::usage,
                      fmt::format("{}: nothing behind the '/': name a type, such as {}/7",
                                  myq::quoted(dest), name));
    }
    return {name, queue_named(config, name), type};
}

void PlaceOptions::add(CLI::App& verb, const std::string& dest_help) {
    verb.add_option("DEST", dest, dest_help)->type_name("");
    CLI::Option* by_key = verb.add_option("--key", key,
                                          "Any queue of this machine, by its key: decimal, 0x "
                                          "hexadecimal or 0 octal")
                              ->type_name("KEY");
    verb.add_option("--id", id, "Any queue of this machine, by its id in myq list or ipcs")
        ->type_name("ID")
        ->excludes(by_key);
}

Place find(const PlaceOptions& options, const ConfigChoice& config) {
    const bool by_number = !options.key.empty() || options.id.has_value();
    if (by_number && !options.dest.empty()) {
        throw Failure(ExitCode::usage,
                      fmt::format("{}: the queue is named twice: leave it out, or --key and --id",
                                  myq::quoted(options.dest)));
    }
    if (!options.key.empty()) return find_by_key(options.key);
    if (options.id) return find_by_id(*options.id);
    if (!options.dest.empty()) return find_by_name(options.dest, config);
    throw Failure(ExitCode::usage, "no queue is named: which one is meant? Give its name in the "
                                   "config, --key or --id");
}

Place find_whole(const PlaceOptions& options, const ConfigChoice& config) {
    Place place = find(options, config);
    if (place.type.empty()) return place;
    throw Failure(ExitCode::usage,
                  fmt::format("{}: this is about a whole queue: leave the type out",
                              myq::quoted(options.dest)));
}

QueueKey parse_key(const std::string& text) {
    try {
        return QueueKey::from_text(text);
    } catch (const std::invalid_argument& e) {
        throw Failure(ExitCode::usage, e.what());
    }
}

}  // namespace myq
