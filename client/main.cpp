#include "client/call.hpp"
#include "client/create.hpp"
#include "client/dead.hpp"
#include "client/dead_change.hpp"
#include "client/doctor.hpp"
#include "client/errno.hpp"
#include "client/failure.hpp"
#include "client/ftok.hpp"
#include "client/limits.hpp"
#include "client/list.hpp"
#include "client/output.hpp"
#include "client/peek.hpp"
#include "client/place.hpp"
#include "client/plugin.hpp"
#include "client/recv.hpp"
#include "client/remove.hpp"
#include "client/sem.hpp"
#include "client/send.hpp"
#include "client/set.hpp"
#include "client/shm.hpp"
#include "client/stat.hpp"
#include "client/status.hpp"
#include "client/waiting.hpp"
#include "config/suggestion.hpp"
#include "config/text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace myq;

// "sned" may mean "send".
std::string unknown(const CLI::App& app, const std::string& word) {
    if (word.starts_with('-')) {
        return fmt::format("{}: no such option: see 'myq --help'", myq::quoted(word));
    }
    std::vector<std::string> names;
    for (const CLI::App* verb : app.get_subcommands({}))
        names.push_back(verb->get_name());
    const std::vector<std::string_view> known(names.begin(), names.end());
    const auto meant = closest(word, known);
    return fmt::format("{}: no such verb: {}", myq::quoted(word),
                       meant ? fmt::format("did you mean '{}'?", *meant)
                             : fmt::format("use {}", fmt::join(names, ", ")));
}

// "dead list", as far as it was named.
std::string chosen_verb(const CLI::App& app) {
    std::string words;
    for (auto chosen = app.get_subcommands(); !chosen.empty();
         chosen = chosen.front()->get_subcommands()) {
        words += (words.empty() ? "" : " ") + chosen.front()->get_name();
    }
    return words;
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
    if (const std::string verb = chosen_verb(app); !verb.empty()) {
        say(fmt::format("{}: {}: see 'myq {} --help'", verb, error.what(), verb));
    } else if (!app.remaining().empty()) {
        say(unknown(app, app.remaining().front()));
    } else {
        say(fmt::format("{}: see 'myq --help'", error.what()));
    }
    return static_cast<int>(ExitCode::usage);
}

// Ends the process the way the signal would have, so that a shell's loop ends too.
int die_of(const Interrupted& interrupted) {
    if (!interrupted.text.empty()) say(interrupted.text);
    std::signal(interrupted.signal, SIG_DFL);
    std::raise(interrupted.signal);
    return 128 + interrupted.signal;  // reached only if the signal is blocked
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Sends, receives and looks after System V messages, and what PHP keeps beside them."};
    try {
        app.name("myq");
        app.set_version_flag("--version", "myq " MYQ_VERSION);
        app.require_subcommand(1);
        app.fallthrough();
        app.footer("See myq(1) for exit codes and examples.");

        ConfigChoice config;
        config.add(app);
        add_send(app, config);
        add_call(app, config);
        add_recv(app, config);
        add_peek(app, config);
        add_status(app, config);
        add_dead(app, config);
        add_drop(app, config);
        add_plugin(app, config);
        add_stat(app, config);
        add_list(app, config);
        add_create(app);
        add_set(app, config);
        add_remove(app, config);
        add_ftok(app);
        add_sem(app);
        add_shm(app);
        add_errno(app);
        add_limits(app, config);
        add_doctor(app, config);
        app.parse(argc, argv);  // runs the verb
        return 0;
    } catch (const CLI::Success& e) {
        return app.exit(e);  // --help, --version
    } catch (const CLI::ParseError& e) {
        return usage_error(app, e);
    } catch (const QuietExit& e) {
        return e.status;
    } catch (const Interrupted& e) {
        return die_of(e);
    } catch (...) {
        return static_cast<int>(report_current_exception());
    }
}
