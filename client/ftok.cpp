#include "client/ftok.hpp"

#include "client/failure.hpp"
#include "client/output.hpp"
#include "ipc/queue_key.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

namespace myq {

namespace {

struct FtokOptions {
    std::string path;
    std::string project;
    bool json = false;
};

QueueKey key_of(const FtokOptions& options) {
    try {
        return QueueKey::from_path(options.path, options.project);
    } catch (const std::system_error& e) {
        throw Failure(ExitCode::no_input, e.what());
    } catch (const std::invalid_argument& e) {
        throw Failure(ExitCode::usage, e.what());
    }
}

void ftok(const FtokOptions& options) {
    const QueueKey key = key_of(options);
    if (!options.json) return print_out(key.text() + "\n");
    const nlohmann::ordered_json json = {{"key", key.value()}, {"text", key.text()}};
    print_out(json_line(json));
}

}  // namespace

void add_ftok(CLI::App& app) {
    auto options = std::make_shared<FtokOptions>();
    CLI::App* verb = app.add_subcommand("ftok", "Print the key that ftok(3) makes of a file");
    verb->add_option("PATH", options->path, "An existing file or directory")
        ->required()
        ->type_name("");
    verb->add_option("PROJECT", options->project, "One byte, such as A")->required()->type_name("");
    verb->add_flag("--json", options->json, "The key as a number and as text");
    verb->callback([options] { ftok(*options); });
}

}  // namespace myq
