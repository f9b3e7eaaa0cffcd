#include "client/shm.hpp"

#include "client/key_argument.hpp"
#include "client/object_row.hpp"
#include "client/option_kinds.hpp"
#include "client/output.hpp"
#include "client/shm_variable.hpp"
#include "ipc/shared_variables.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>

namespace myq {

namespace {

// What PHP's shm_attach() makes unless php.ini says otherwise.
constexpr std::uint64_t usual_size = 10'000;

std::string shm_json(const SharedMemoryStat& stat) {
    const nlohmann::ordered_json json = {{"key", stat.key},           {"id", stat.id},
                                         {"owner", stat.uid},         {"group", stat.gid},
                                         {"mode", stat.mode},         {"size", stat.size},
                                         {"attached", stat.attached}, {"removed", stat.removed}};
    return json_line(json);
}

void list_segments(bool as_json) {
    using Align = Table::Align;
    Table table(object_columns({{"SIZE", Align::right}, {"ATTACHED", Align::right}}),
                output_width(), print_out);
    for (const SharedMemoryStat& stat : SharedMemory::list()) {
        if (as_json) {
            print_out(shm_json(stat));
            continue;
        }
        table.add(object_row(stat, {std::to_string(stat.size), std::to_string(stat.attached)}));
    }
    table.finish();
}

void add_shm_list(CLI::App& shm) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App* verb = shm.add_subcommand("list", "Show every segment of this machine");
    verb->add_flag("--json", *as_json, "One JSON object a line");
    verb->callback([as_json] { list_segments(*as_json); });
}

void add_shm_create(CLI::App& shm) {
    struct Options {
        KeyArgument key;
        std::optional<mode_t> mode;
        std::optional<std::uint64_t> size;
    };
    auto options = std::make_shared<Options>();
    CLI::App* verb = shm.add_subcommand("create", "Make a segment for variables and print its id");
    options->key.add(*verb);
    add_mode(*verb, "--mode", options->mode, "Who may read and write it, such as 0660 (0600)");
    add_size(*verb, "--size", options->size, "Its size (10000 bytes, as PHP's)");
    verb->callback([options] {
        const auto made = SharedVariables::create(
            options->key.key(), options->size.value_or(usual_size), options->mode.value_or(0600));
        print_out(fmt::format("{}\n", made.memory().id()));
    });
}

void add_shm_remove(CLI::App& shm) {
    auto key = std::make_shared<KeyArgument>();
    CLI::App* verb = shm.add_subcommand(
        "remove", "Remove a segment, with its variables; who has it attached keeps it");
    key->add(*verb);
    verb->callback([key] { SharedMemory::open(key->key()).remove(); });
}

}  // namespace

void add_shm(CLI::App& app) {
    CLI::App* shm = app.add_subcommand("shm", "Variables in shared memory as PHP has them: list, "
                                              "create, put, get, has, del, dump, remove");
    shm->require_subcommand(1);
    add_shm_list(*shm);
    add_shm_create(*shm);
    add_shm_variable_verbs(*shm);
    add_shm_remove(*shm);
}

}  // namespace myq
