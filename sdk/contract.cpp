#include "sdk/contract.hpp"

#include <myq/handler.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <stdexcept>
#include <string_view>

namespace myq {

namespace {

// The last member of the contract that no host can do without.
constexpr std::size_t needed_size = offsetof(myq_plugin, handle) + sizeof(myq_plugin::handle);

std::string version(std::uint32_t major, std::uint32_t minor) {
    return std::to_string(major) + "." + std::to_string(minor);
}

std::span<const myq_option_spec> schema(const myq_plugin& plugin) {
    return {plugin.options, plugin.options == nullptr ? 0 : plugin.option_count};
}

std::string in_quotes(std::string_view text) {
    return "'" + std::string(text) + "'";
}

std::string schema_problem(const myq_plugin& plugin) {
    std::set<std::string_view> names;
    std::size_t number = 0;
    for (const myq_option_spec& spec : schema(plugin)) {
        ++number;
        if (spec.name == nullptr || *spec.name == '\0')
            return "option " + std::to_string(number) + " of its schema has no name";
        if (!names.insert(spec.name).second)
            return "its schema has option " + in_quotes(spec.name) + " twice";
        if (spec.kind < MYQ_OPTION_TEXT || spec.kind > MYQ_OPTION_LIST)
            return "its schema says kind " + std::to_string(spec.kind) + " of option " +
                   in_quotes(spec.name) + ", which this version does not know";
    }
    return {};
}

// Whether the handler will be able to read it: by the very code that it would use.
bool reads(void (*read)(const Options&, std::string_view), const myq_option& option) {
    try {
        read(Options(&option, 1), option.name);
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

// Empty when the values are of the kind, else what they should be.
std::string kind_problem(const myq_option_spec& spec, const myq_option& option) {
    if (spec.kind == MYQ_OPTION_LIST) return option.value_count == 0 ? "is an empty list" : "";
    if (option.value_count != 1) return "takes one value, not a list";
    const std::string value = in_quotes(option.values[0]);
    switch (spec.kind) {
    case MYQ_OPTION_INTEGER:
        if (reads([](const Options& all, std::string_view name) { all.integer(name, 0); }, option))
            return {};
        return value + " is not a whole number";
    case MYQ_OPTION_BOOLEAN:
        if (reads([](const Options& all, std::string_view name) { all.boolean(name, false); },
                  option))
            return {};
        return value + " is neither true nor false";
    case MYQ_OPTION_DURATION:
        if (reads([](const Options& all, std::string_view name) { all.duration(name, {}); },
                  option))
            return {};
        return value + " is not a duration such as 30s";
    case MYQ_OPTION_PATH:
        return option.values[0][0] == '/' ? "" : value + " is not an absolute path";
    default:
        return {};
    }
}

// Of the options before `end`.
const myq_option* find(const myq_option* options, const myq_option* end, std::string_view name) {
    const myq_option* found =
        std::find_if(options, end, [&](const myq_option& option) { return name == option.name; });
    return found == end ? nullptr : found;
}

std::string refusal(const myq_plugin& plugin, const myq_option* options, std::size_t count) {
    std::array<char, 512> reason{};
    if (plugin.check == nullptr || plugin.check(options, count, reason.data(), reason.size()) == 0)
        return {};
    reason.back() = '\0';
    return reason[0] != '\0' ? reason.data() : "refuses them and gives no reason";
}

}  // namespace

std::string contract_problem(const myq_plugin* plugin, const char* host) {
    if (plugin == nullptr)
        return std::string("refuses ") + host + " (myq_plugin_entry returned NULL)";
    if (plugin->abi_major != MYQ_ABI_MAJOR) {
        return "is built for plugin ABI " + version(plugin->abi_major, plugin->abi_minor) + ", " +
               host + " has " + version(MYQ_ABI_MAJOR, MYQ_ABI_MINOR) +
               "; build it again with the <myq/plugin.h> of " + host;
    }
    if (plugin->size < needed_size) {
        return "its struct myq_plugin has " + std::to_string(plugin->size) + " bytes, at least " +
               std::to_string(needed_size) + " are needed";
    }
    if (plugin->name == nullptr || plugin->version == nullptr || plugin->start == nullptr ||
        plugin->handle == nullptr)
        return "its description lacks name, version, start or handle";
    const bool knows_many =
        plugin->size >= offsetof(myq_plugin, handle_many) + sizeof plugin->handle_many;
    if (knows_many && (plugin->handle_many == nullptr) != (plugin->most_at_once == nullptr))
        return "its description has only one of most_at_once and handle_many";
    if (plugin->types == nullptr && plugin->type_count != 0)
        return "it counts " + std::to_string(plugin->type_count) + " types and names none";
    return schema_problem(*plugin);
}

std::vector<OptionProblem> option_problems(const myq_plugin& plugin, const myq_option* options,
                                           std::size_t count) {
    using What = OptionProblem::What;
    std::vector<OptionProblem> problems;
    for (std::size_t i = 0; i < count; ++i) {
        const myq_option& option = options[i];
        const auto specs = schema(plugin);
        const auto spec = std::find_if(specs.begin(), specs.end(), [&](const auto& known) {
            return std::string_view(known.name) == option.name;
        });
        if (spec == specs.end()) {
            problems.push_back({What::unknown, i, option.name,
                                std::string("plugin ") + plugin.name + " has no such option"});
        } else if (find(options, &option, option.name) != nullptr) {
            problems.push_back({What::wrong, i, option.name, "is there twice"});
        } else if (std::string sentence = kind_problem(*spec, option); !sentence.empty()) {
            problems.push_back({What::wrong, i, option.name, std::move(sentence)});
        }
    }
    for (const myq_option_spec& spec : schema(plugin)) {
        if (spec.required == 0 || find(options, options + count, spec.name) != nullptr) continue;
        std::string sentence = std::string("is missing; plugin ") + plugin.name + " needs it";
        if (spec.help != nullptr && *spec.help != '\0')
            sentence += std::string(" (") + spec.help + ")";
        problems.push_back({What::missing, 0, spec.name, std::move(sentence)});
    }
    if (!problems.empty()) return problems;
    if (std::string sentence = refusal(plugin, options, count); !sentence.empty()) {
        problems.push_back({What::refused, 0, "",
                            std::string("plugin ") + plugin.name + ": " + std::move(sentence)});
    }
    return problems;
}

}  // namespace myq
