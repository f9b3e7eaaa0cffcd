#include "client/sem.hpp"

#include "client/failure.hpp"
#include "client/key_argument.hpp"
#include "client/object_row.hpp"
#include "client/option_kinds.hpp"
#include "client/output.hpp"
#include "client/sem_run.hpp"
#include "client/sem_wait.hpp"
#include "ipc/semaphore_loan.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>

namespace myq {

namespace {

// nullopt for a set that is not of PHP's kind, or that this user may not read.
std::optional<SemaphoreValues> values_of(const SemaphoreSetStat& set) {
    if (set.members < static_cast<std::size_t>(SemaphoreSet::members)) return std::nullopt;
    try {
        return SemaphoreSet::from_id(set.id).values();
    } catch (const IpcError&) {
        return std::nullopt;
    }
}

std::string sem_json(const SemaphoreSetStat& set) {
    nlohmann::ordered_json json = {{"key", set.key},   {"id", set.id},     {"owner", set.uid},
                                   {"group", set.gid}, {"mode", set.mode}, {"members", set.members},
                                   {"free", nullptr},  {"users", nullptr}, {"waiting", nullptr}};
    if (const auto values = values_of(set)) {
        json["free"] = values->free;
        json["users"] = values->users;
        json["waiting"] = values->waiting;
    }
    return json_line(json);
}

void list_semaphores(bool as_json) {
    using Align = Table::Align;
    Table table(object_columns({{"MEMBERS", Align::right},
                                {"FREE", Align::right},
                                {"USERS", Align::right},
                                {"WAITING", Align::right}}),
                output_width(), print_out);
    for (const SemaphoreSetStat& set : SemaphoreSet::list()) {
        if (as_json) {
            print_out(sem_json(set));
            continue;
        }
        const auto values = values_of(set);
        const auto number = [&](int SemaphoreValues::*member) {
            return values ? std::to_string((*values).*member) : std::string("-");
        };
        table.add(
            object_row(set, {std::to_string(set.members), number(&SemaphoreValues::free),
                             number(&SemaphoreValues::users), number(&SemaphoreValues::waiting)}));
    }
    table.finish();
}

void add_sem_list(CLI::App& sem) {
    auto as_json = std::make_shared<bool>(false);
    CLI::App* verb = sem.add_subcommand("list", "Show every set of semaphores of this machine");
    verb->add_flag("--json", *as_json, "One JSON object a line");
    verb->callback([as_json] { list_semaphores(*as_json); });
}

void add_sem_create(CLI::App& sem) {
    struct Options {
        KeyArgument key;
        std::optional<mode_t> mode;
    };
    auto options = std::make_shared<Options>();
    CLI::App* verb = sem.add_subcommand("create", "Make a semaphore and print its id");
    options->key.add(*verb);
    add_mode(*verb, "--mode", options->mode, "Who may acquire it, such as 0660 (0600)");
    verb->callback([options] {
        const SemaphoreSet set =
            SemaphoreSet::create(options->key.key(), options->mode.value_or(0600));
        print_out(fmt::format("{}\n", set.id()));
    });
}

void add_sem_acquire(CLI::App& sem) {
    struct Options {
        KeyArgument key;
        SemWait wait;
    };
    auto options = std::make_shared<Options>();
    CLI::App* verb = sem.add_subcommand(
        "acquire", "Acquire a semaphore until somebody releases it, whoever lives or dies");
    options->key.add(*verb);
    options->wait.add(*verb);
    verb->callback([options] {
        const Semaphore semaphore =
            Semaphore::open(options->key.key(), options->wait.options(AtEnd::release));
        options->wait.until_acquired(semaphore.set().name(),
                                     [&] { return take_loan(semaphore, options->wait.limit()); });
    });
}

void add_sem_release(CLI::App& sem) {
    auto key = std::make_shared<KeyArgument>();
    CLI::App* verb = sem.add_subcommand("release", "Release what 'sem acquire' acquired");
    key->add(*verb);
    verb->callback([key] {
        const SemaphoreSet set = SemaphoreSet::open(key->key());
        if (return_loan(set)) return;
        throw Failure(ExitCode::data,
                      fmt::format("{}: nobody has acquired it: nothing to release", set.name()));
    });
}

void add_sem_remove(CLI::App& sem) {
    auto key = std::make_shared<KeyArgument>();
    CLI::App* verb = sem.add_subcommand(
        "remove", "Remove a semaphore; who waits for it is told that it is gone");
    key->add(*verb);
    verb->callback([key] { SemaphoreSet::open(key->key()).remove(); });
}

}  // namespace

void add_sem(CLI::App& app) {
    CLI::App* sem = app.add_subcommand(
        "sem", "Semaphores as PHP has them: list, create, acquire, release, run, remove");
    sem->require_subcommand(1);
    add_sem_list(*sem);
    add_sem_create(*sem);
    add_sem_acquire(*sem);
    add_sem_release(*sem);
    add_sem_run(*sem);
    add_sem_remove(*sem);
}

}  // namespace myq
