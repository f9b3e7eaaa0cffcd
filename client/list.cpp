#include "client/list.hpp"

#include "client/account.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/stat_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace myq {

namespace {

using Names = std::map<key_t, std::string>;

Names names_in(const ConfigChoice& choice) {
    Names names;
    if (const std::optional<Config> config = choice.load_if_there()) {
        for (const QueueConfig& queue : config->queues)
            names[queue.key.value()] = queue.name;
    }
    return names;
}

std::string row(const QueueStat& stat, const std::string& name) {
    return fmt::format("0x{:08x}  {:>8}  {:<12}  {:<12}  {:04o}  {:>8}  {:>21}{}\n",
                       static_cast<std::uint32_t>(stat.key), stat.id, user_name(stat.uid),
                       group_name(stat.gid), stat.mode, stat.messages,
                       fmt::format("{}/{}", stat.bytes, stat.capacity),
                       name.empty() ? "" : "  " + name);
}

std::string line(const QueueStat& stat, const std::string& name) {
    nlohmann::ordered_json json = to_json(stat);
    json["name"] = name.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(name);
    return json_line(json);
}

void list(bool as_json, const ConfigChoice& choice) {
    const Names names = names_in(choice);
    std::string text;
    if (!as_json) {
        text = fmt::format("{:<10}  {:>8}  {:<12}  {:<12}  {:<4}  {:>8}  {:>21}  {}\n", "KEY", "ID",
                           "OWNER", "GROUP", "MODE", "MESSAGES", "BYTES/CAPACITY", "NAME");
    }
    for (const QueueStat& stat : MessageQueue::list()) {
        const auto found = names.find(stat.key);
        const std::string name = found == names.end() ? "" : found->second;
        text += as_json ? line(stat, name) : row(stat, name);
    }
    print_out(text);
}

}  // namespace

void add_list(CLI::App& app, const ConfigChoice& config) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App* verb = app.add_subcommand("list", "Show every queue of this machine");
    verb->add_flag("--json", *as_json, "One JSON object a line");
    verb->callback([as_json, &config] { list(*as_json, config); });
}

}  // namespace myq
