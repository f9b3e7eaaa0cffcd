#include "daemon/control.hpp"

#include "config/directories.hpp"
#include "config/run_state.hpp"
#include "daemon/complain.hpp"
#include "daemon/control_socket.hpp"
#include "daemon/plan.hpp"
#include "daemon/queue_setup.hpp"
#include "daemon/unix/pid_file.hpp"
#include "daemon/unix/process_handle.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <utility>

namespace myq {

namespace {

// Beyond stop_timeout: what the supervisor itself needs to end its workers and leave.
constexpr std::chrono::seconds margin{5};

enum Lsb { ok = 0, failed = 1, no_rights = 4, not_configured = 6, not_running = 7 };

// Where a daemon runs, even if the rest of the configuration is broken: it must be stoppable
// whatever somebody did to its file meanwhile.
struct Running {
    explicit Running(const Options& options)
        : config(load_daemon_config(options.config)),
          run_dir(run_directory(config, options.config)) {}

    RunState look() const { return look_at_run_dir(run_dir, config.user); }

    DaemonConfig config;
    std::filesystem::path run_dir;
};

// The daemon that runs, as whoever is to send it a signal has it. Nothing else is ever signalled.
struct Addressee {
    pid_t pid = 0;
    ProcessHandle process;
    int exit_code = ok;  // why there is none, where that is a failure
};

// Asked of the lock again once the handle is there. Complains of a stranger who has the lock.
Addressee find_daemon(const Running& running, const char* verb) {
    const RunState state = running.look();
    if (!state.stranger.empty()) {
        complain(
            fmt::format("{}: {}; nothing was signalled", verb, state.refusal(running.run_dir)));
        return {0, {}, failed};
    }
    if (state.daemon == 0) return {};
    ProcessHandle process(state.daemon);
    if (!process || running.look().daemon != state.daemon) return {};
    return {state.daemon, std::move(process), ok};
}

// For the verbs that have a running daemon do something. The exit code.
int send_to_daemon(const Running& running, const char* verb, int signal) {
    const Addressee daemon = find_daemon(running, verb);
    if (daemon.exit_code != ok) return daemon.exit_code;
    if (!daemon.process) {
        complain(fmt::format("{}: myqd is not running", verb));
        return not_running;
    }
    if (daemon.process.send(signal)) return ok;
    if (errno == ESRCH) {
        complain(fmt::format("{}: myqd has just ended", verb));
        return not_running;
    }
    complain(fmt::format("{}: no permission to signal pid {}; try as root", verb, daemon.pid));
    return no_rights;
}

int stop_process(const ProcessHandle& process, pid_t pid, int signal,
                 std::chrono::milliseconds stop_timeout) {
    if (!process.send(signal)) {
        if (errno == ESRCH) return ok;
        complain(fmt::format("stop: no permission to signal pid {}; try as root", pid));
        return no_rights;
    }
    // Once for the handlers, once for what is drained then.
    if (process.wait_for_end(2 * stop_timeout + margin)) return ok;
    complain(fmt::format(
        "stop: pid {} did not end within {} s; killing it (messages in hand stay in their slots)",
        pid, std::chrono::ceil<std::chrono::seconds>(2 * stop_timeout + margin).count()));
    process.send(SIGKILL);
    if (process.wait_for_end(margin)) return ok;
    complain(fmt::format("stop: pid {} cannot be killed; it is stuck in the kernel", pid));
    return failed;
}

int remove_queue(const QueueConfig& config, const Identity& service) {
    if (!MessageQueue::exists(config.key)) {
        fmt::print("queue {} ({}): does not exist\n", config.name, config.key.text());
        return ok;
    }
    check_queue(config, service);
    const MessageQueue queue = MessageQueue::open(config.key);
    const QueueStat stat = queue.stat_any();
    queue.remove();
    fmt::print("queue {} ({}): removed, with {} messages ({} bytes) in it\n", config.name,
               config.key.text(), stat.messages, stat.bytes);
    return ok;
}

// The plugins whose code the daemon has, and whether it has refused their file as it is now. None
// when it does not say, or something that it would not say: then every file must be fit.
std::map<std::string, bool> plugins_of(const std::filesystem::path& run_dir) {
    std::map<std::string, bool> plugins;
    const ControlSocket::Answer answer =
        ControlSocket::ask(run_dir, "plugins", ControlSocket::usual_patience);
    try {
        if (!answer.doubt.empty()) throw std::runtime_error(answer.doubt);
        const auto report = nlohmann::json::parse(answer.text);
        for (const nlohmann::json& plugin : report.at("plugins")) {
            if (plugin.at("fit").get<bool>())
                plugins[plugin.at("file").get<std::string>()] = plugin.at("refused").get<bool>();
        }
        return plugins;
    } catch (const nlohmann::json::exception& e) {
        complain(fmt::format("reload: the daemon's answer cannot be read ({}); every plugin's file "
                             "must be fit",
                             printable(e.what())));
    } catch (const std::runtime_error& e) {
        complain(fmt::format("reload: {}; every plugin's file must be fit", e.what()));
    }
    return {};
}

// How long its new workers may take to start.
constexpr std::chrono::seconds reload_patience{60};

// Has the daemon reload, and waits for how that ends. The exit code.
int ask_to_reload(const Running& running) {
    const ControlSocket::Answer answer =
        ControlSocket::ask(running.run_dir, "reload", reload_patience);
    std::string refusal;
    try {
        if (!answer.doubt.empty()) throw std::runtime_error(answer.doubt);
        if (answer.text.empty()) throw std::runtime_error("the daemon hung up without an answer");
        refusal = nlohmann::json::parse(answer.text).at("refused").get<std::string>();
    } catch (const std::exception& e) {
        complain(fmt::format("reload: nobody knows how it ended: {}; see the log, and myq status",
                             printable(e.what())));
        return failed;
    }
    if (refusal.empty()) return ok;
    complain(fmt::format("reload: refused, the old configuration stays: {}", printable(refusal)));
    return failed;
}

}  // namespace

int show_status(const Options& options) {
    try {
        const Running running(options);
        const RunState state = running.look();
        if (state.daemon > 0) {
            fmt::print("myqd is running (pid {})\n", state.daemon);
            return 0;
        }
        if (!state.stranger.empty()) {
            complain(fmt::format("status: {}", state.refusal(running.run_dir)));
            return 4;
        }
        fmt::print("{}\n", state.stale
                               ? "myqd is dead, and its pid file is left: it did not end in order"
                               : "myqd is not running");
        return state.stale ? 1 : 3;
    } catch (const std::exception& e) {
        complain(fmt::format("status: {}", e.what()));
        return 4;
    }
}

int stop_daemon(const Options& options) {
    const Running running(options);
    try {
        const Addressee daemon = find_daemon(running, "stop");
        int result = daemon.exit_code;
        if (daemon.process) {
            result = stop_process(daemon.process, daemon.pid, options.drain ? SIGTERM : SIGINT,
                                  running.config.stop_timeout);
        }
        if (result != ok) return result;
        // What a crash, or our SIGKILL, left behind: from now on it is a daemon that was stopped.
        clear_stale_pid_file(running.run_dir / lock_file_name, running.run_dir / pid_file_name);
        return ok;
    } catch (const std::system_error& e) {
        complain(fmt::format("stop: {}", e.what()));
        return e.code() == std::errc::permission_denied ? no_rights : failed;
    }
}

int reload_daemon(const Options& options) {
    try {
        const Running running(options);
        // Whether one may, before the configuration is looked at.
        if (const int result = send_to_daemon(running, "reload", 0); result != ok) return result;
        const Predecessor before{.elsewhere = plugins_of(running.run_dir)};
        for (const std::string& remark :
             make_plan(options.config, ::geteuid() == 0, before).remarks())
            complain("reload: " + remark);
        return ask_to_reload(running);
    } catch (const ConfigError& e) {
        complain(fmt::format("reload: refused, the old configuration stays:\n{}", e.what()));
        return not_configured;
    }
}

int reopen_log_of_daemon(const Options& options) {
    return send_to_daemon(Running(options), "reopen", SIGUSR1);
}

int remove_queues(const Options& options) {
    const Config config = load_config(options.config, MYQ_PLUGIN_DIR);
    const auto run_dir = run_directory(config.daemon, options.config);
    const RunState state = look_at_run_dir(run_dir, config.daemon.user);
    if (state.daemon > 0) {
        complain(
            fmt::format("remove-queues: myqd is running (pid {}); stop it first", state.daemon));
        return failed;
    }
    if (!state.stranger.empty()) {
        complain(fmt::format("remove-queues: {}", state.refusal(run_dir)));
        return failed;
    }
    const Identity service = service_identity(config.daemon);
    int result = ok;
    for (const QueueConfig& queue : config.queues) {
        try {
            result = std::max(result, remove_queue(queue, service));
        } catch (const IpcError& e) {
            complain(fmt::format("remove-queues: {}", e.what()));
            result = std::max<int>(result,
                                   e.error() == EPERM || e.error() == EACCES ? no_rights : failed);
        }
    }
    return result;
}

}  // namespace myq
