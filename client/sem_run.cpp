#include "client/sem_run.hpp"

#include "client/argv.hpp"
#include "client/failure.hpp"
#include "client/key_argument.hpp"
#include "client/output.hpp"
#include "client/sem_wait.hpp"
#include "client/semaphore_of_ours.hpp"
#include "config/text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace myq {

namespace {

// What shells, env(1) and flock(1) use: there is no such command; it cannot be run.
constexpr int status_no_command = 127;
constexpr int status_not_run = 126;

struct SemRunOptions {
    KeyArgument key;
    SemWait wait;
    bool create = false;
    std::vector<std::string> command;
};

Semaphore open_to_run(const SemRunOptions& options) {
    const SemaphoreOptions how = options.wait.options(AtEnd::keep);
    return options.create ? semaphore_of_ours(options.key.key(), how)
                          : Semaphore::open(options.key.key(), how);
}

// The command takes the place of this very process, which holds the permit: the kernel gives it
// back when the command ends, however it ends (SEM_UNDO outlives execve(2)). Nobody is in between
// who could be killed alone.
void sem_run(const SemRunOptions& options) {
    const Argv argv(options.command);
    Semaphore semaphore = open_to_run(options);
    const auto limit = options.wait.limit();
    options.wait.until_acquired(semaphore.set().name(), [&] {
        return limit ? semaphore.acquire_for(*limit) : semaphore.acquire();
    });
    ::execvp(*argv.data(), argv.data());
    const int error = errno;
    say(fmt::format("{}: cannot be run: {}", myq::quoted(options.command.front()),
                    std::generic_category().message(error)));
    throw QuietExit{error == ENOENT ? status_no_command : status_not_run};
}

}  // namespace

void add_sem_run(CLI::App& sem) {
    auto options = std::make_shared<SemRunOptions>();
    CLI::App* verb =
        sem.add_subcommand("run", "Run a command that holds the semaphore until it ends");
    options->key.add(*verb);
    options->wait.add(*verb);
    verb->add_flag("--create", options->create, "Make it, with mode 0600, if there is none");
    verb->add_option("COMMAND", options->command, "The command and its words, after '--'")
        ->required()
        ->type_name("");
    verb->callback([options] { sem_run(*options); });
}

}  // namespace myq
