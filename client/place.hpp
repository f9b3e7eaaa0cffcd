#pragma once

#include "config/config.hpp"
#include "ipc/message_queue.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace CLI {
class App;
}

namespace myq {

// The config file that gives queues their names: --config, $MYQ_CONFIG or /etc/myq/myq.yaml.
class ConfigChoice {
public:
    void add(CLI::App& app);

    Config load() const;

    // The file itself, absolute: what it says may be broken, and it may be missing.
    std::filesystem::path file() const { return std::filesystem::absolute(file_); }

    // The same for who can do without: nullopt if nobody named a file and the usual one is missing.
    std::optional<Config> load_if_there() const;

private:
    bool explicit_ = false;
    std::filesystem::path file_ = "/etc/myq/myq.yaml";
};

// How the user said which queue is meant.
struct PlaceOptions {
    std::string dest;  // NAME or NAME/TYPE, TYPE a number or a handler's name
    std::string key;
    std::optional<int> id;

    // Adds DEST, --key and --id; `dest_help` describes DEST.
    void add(CLI::App& verb, const std::string& dest_help);
};

// What the user's words mean, whether or not there is such a queue.
struct Address {
    std::string name;                   // "jobs", "queue 0x6d797101", "queue with id 3"
    std::optional<QueueConfig> config;  // if it was named by its config name
    std::string type;                   // what stood behind the '/', "" for nothing
};

// The queue that was meant.
struct Place : Address {
    Place(MessageQueue found, Address address)
        : Address(std::move(address)),
          queue(std::move(found)) {}

    MessageQueue queue;
};

// NAME or NAME/TYPE of the config. Throws Failure, with what to do, if there is no such name.
Address address_of(const std::string& dest, const Config& config);

// Throws Failure, with what to do, if there is no such name or no such queue.
Place find(const PlaceOptions& options, const ConfigChoice& config);

// The same for verbs that are about a whole queue.
Place find_whole(const PlaceOptions& options, const ConfigChoice& config);

// A key as the user wrote it; Failure if it is none.
QueueKey parse_key(const std::string& text);

}  // namespace myq
