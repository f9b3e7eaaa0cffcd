#include "daemon/option_check.hpp"

#include "config/duration.hpp"
#include "config/suggestion.hpp"
#include "daemon/plugin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <stdexcept>

namespace myq {

namespace {

std::span<const myq_option_spec> schema(const myq_plugin& plugin) {
    return {plugin.options, plugin.options == nullptr ? 0 : plugin.option_count};
}

bool is_integer(const std::string& value) {
    std::int64_t number = 0;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    return error == std::errc{} && stop == end;
}

bool is_duration(const std::string& value) {
    try {
        parse_duration(value);
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

// Empty when the values are of the kind, else what they should be.
std::string kind_problem(const myq_option_spec& spec, const std::vector<std::string>& values) {
    if (spec.kind == MYQ_OPTION_LIST) return {};
    if (values.size() != 1) return "takes one value, not a list";
    const std::string& value = values[0];
    switch (spec.kind) {
    case MYQ_OPTION_INTEGER:
        return is_integer(value) ? "" : fmt::format("'{}' is not a whole number", value);
    case MYQ_OPTION_BOOLEAN:
        return value == "true" || value == "false"
                   ? ""
                   : fmt::format("'{}' is neither true nor false", value);
    case MYQ_OPTION_DURATION:
        return is_duration(value) ? "" : fmt::format("'{}' is not a duration such as 30s", value);
    case MYQ_OPTION_PATH:
        return value.starts_with('/') ? "" : fmt::format("'{}' is not an absolute path", value);
    default:
        return {};
    }
}

const myq_option_spec* find(const myq_plugin& plugin, const std::string& name) {
    for (const myq_option_spec& spec : schema(plugin)) {
        if (name == spec.name) return &spec;
    }
    return nullptr;
}

std::string unknown(const myq_plugin& plugin, const OptionConfig& option) {
    std::vector<std::string_view> names;
    for (const myq_option_spec& spec : schema(plugin))
        names.emplace_back(spec.name);
    const auto meant = closest(option.name, names);
    return fmt::format("{}: options.{}: plugin {} has no such option{}", option.where, option.name,
                       plugin.name, meant ? fmt::format("; did you mean '{}'?", *meant) : "");
}

bool is_set(const HandlerConfig& handler, const char* name) {
    return std::ranges::any_of(handler.options,
                               [name](const OptionConfig& option) { return option.name == name; });
}

}  // namespace

std::vector<std::string> check_options(const myq_plugin& plugin, const HandlerConfig& handler) {
    std::vector<std::string> problems;
    for (const OptionConfig& option : handler.options) {
        const myq_option_spec* spec = find(plugin, option.name);
        if (spec == nullptr) {
            problems.push_back(unknown(plugin, option));
        } else if (const std::string problem = kind_problem(*spec, option.values);
                   !problem.empty()) {
            problems.push_back(
                fmt::format("{}: options.{}: {}", option.where, option.name, problem));
        }
    }
    for (const myq_option_spec& spec : schema(plugin)) {
        if (spec.required != 0 && !is_set(handler, spec.name)) {
            problems.push_back(fmt::format(
                "{}: options.{}: is missing; plugin {} needs it{}", handler.where, spec.name,
                plugin.name, spec.help == nullptr ? "" : fmt::format(" ({})", spec.help)));
        }
    }
    if (!problems.empty() || plugin.check == nullptr) return problems;

    const PluginOptions options(handler.options);
    std::array<char, 512> reason{};
    if (plugin.check(options.list(), options.count(), reason.data(), reason.size()) != 0) {
        reason.back() = '\0';
        problems.push_back(
            fmt::format("{}: options: plugin {}: {}", handler.where, plugin.name,
                        reason[0] != '\0' ? reason.data() : "refuses them and gives no reason"));
    }
    return problems;
}

}  // namespace myq
