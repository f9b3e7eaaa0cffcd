#include "client/create.hpp"

#include "client/failure.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/queue_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <string>

namespace myq {

namespace {

struct CreateOptions {
    std::string key;
    QueueOptions queue;
};

MessageQueue make(const QueueKey& key) {
    try {
        // Nobody else gets in before it is as it shall be.
        return MessageQueue::create(key, 0600);
    } catch (const IpcError& e) {
        if (e.error() != EEXIST) throw;
        throw Failure(ExitCode::cannot_create,
                      fmt::format("queue {}: it exists already: look at it with myq stat --key {}, "
                                  "or choose another key",
                                  key.text(), key.text()));
    }
}

void create(const CreateOptions& options) {
    QueueSettings settings = options.queue.settings();
    if (!settings.mode) settings.mode = 0620;
    const MessageQueue queue = make(parse_key(options.key));
    try {
        queue.set(settings);
        print_out(fmt::format("{}\n", queue.id()));
    } catch (...) {
        queue.remove();  // all or nothing
        throw;
    }
}

}  // namespace

void add_create(CLI::App& app) {
    auto options = std::make_shared<CreateOptions>();
    CLI::App* verb = app.add_subcommand("create", "Make a queue and print its id");
    verb->add_option("--key", options->key, "Its key: decimal, 0x hexadecimal or 0 octal")
        ->required()
        ->type_name("KEY");
    options->queue.add(*verb);
    verb->callback([options] { create(*options); });
}

}  // namespace myq
