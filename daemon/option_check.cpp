#include "daemon/option_check.hpp"

#include "config/suggestion.hpp"
#include "daemon/plugin.hpp"
#include "sdk/contract.hpp"

#include <fmt/format.h>

#include <span>
#include <string_view>

namespace myq {

namespace {

std::string meant(const myq_plugin& plugin, const std::string& name) {
    std::vector<std::string_view> names;
    for (const myq_option_spec& spec : std::span(plugin.options, plugin.option_count))
        names.emplace_back(spec.name);
    const auto suggestion = closest(name, names);
    return suggestion ? fmt::format("; did you mean '{}'?", *suggestion) : "";
}

std::string to_line(const OptionProblem& problem, const myq_plugin& plugin,
                    const HandlerConfig& handler) {
    using What = OptionProblem::What;
    if (problem.what == What::refused)
        return fmt::format("{}: options: {}", handler.where, problem.sentence);
    const bool is_written = problem.what == What::unknown || problem.what == What::wrong;
    const std::string& where = is_written ? handler.options[problem.index].where : handler.where;
    const bool has_schema = plugin.options != nullptr;
    return fmt::format("{}: options.{}: {}{}", where, problem.name, problem.sentence,
                       problem.what == What::unknown && has_schema ? meant(plugin, problem.name)
                                                                   : "");
}

}  // namespace

std::vector<std::string> check_options(const myq_plugin& plugin, const HandlerConfig& handler) {
    const PluginOptions options(handler.options);
    std::vector<std::string> lines;
    for (const OptionProblem& problem : option_problems(plugin, options.list(), options.count()))
        lines.push_back(to_line(problem, plugin, handler));
    return lines;
}

}  // namespace myq
