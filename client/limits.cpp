#include "client/limits.hpp"

#include "client/kernel_table.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/table.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace myq {

namespace {

std::string cell(const std::optional<std::uint64_t>& number) {
    return number ? std::to_string(*number) : "-";
}

void print_limits(const std::vector<KernelRow>& rows) {
    using Align = Table::Align;
    Table table({{"LIMIT"},
                 {"ALLOWED", Align::right},
                 {"IN USE", Align::right},
                 {"NEEDED", Align::right},
                 {"OF WHAT"}},
                output_width(), print_out);
    for (const KernelRow& row : rows)
        table.add(
            {row.name, std::to_string(row.value), cell(row.in_use), cell(row.needed), row.meaning});
    table.finish();
}

nlohmann::ordered_json number_or_null(const std::optional<std::uint64_t>& number) {
    return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json();
}

void limits(bool as_json, const ConfigChoice& config) {
    const std::vector<KernelRow> rows = kernel_table(config.load_if_there());
    if (!as_json) return print_limits(rows);
    for (const KernelRow& row : rows) {
        const nlohmann::ordered_json line = {{"limit", row.name},
                                             {"allowed", row.value},
                                             {"in_use", number_or_null(row.in_use)},
                                             {"needed", number_or_null(row.needed)},
                                             {"meaning", row.meaning}};
        print_out(json_line(line));
    }
}

}  // namespace

void add_limits(CLI::App& app, const ConfigChoice& config) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App* verb = app.add_subcommand(
        "limits", "Show the kernel's limits of System V IPC, and how much of them is in use");
    verb->add_flag("--json", *as_json, "One JSON object a line");
    verb->callback([as_json, &config] { limits(*as_json, config); });
}

}  // namespace myq
