#include "daemon/control.hpp"

#include "config/directories.hpp"
#include "daemon/complain.hpp"
#include "daemon/control_socket.hpp"
#include "daemon/plan.hpp"
#include "daemon/queue_setup.hpp"
#include "daemon/unix/pid_file.hpp"
#include "daemon/unix/process_handle.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <optional>

namespace myq {

namespace {

// Beyond stop_timeout: what the supervisor itself needs to end its workers and leave.
constexpr std::chrono::seconds margin{5};

enum Lsb { ok = 0, failed = 1, no_rights = 4, not_configured = 6, not_running = 7 };

// Where the pid file is, even if the rest of the configuration is broken: a daemon must be
// stoppable whatever somebody did to its file meanwhile.
struct Running {
    std::filesystem::path pid_file;
    std::chrono::milliseconds stop_timeout;
};

Running find_running(const Options& options) {
    const DaemonConfig daemon = load_daemon_config(options.config);
    return {run_directory(daemon, options.config) / "myqd.pid", daemon.stop_timeout};
}

// The process that runs: asked of the lock again once the handle is there.
ProcessHandle open_running(const std::filesystem::path& pid_file, std::optional<pid_t> pid) {
    if (!pid) return {};
    ProcessHandle process(*pid);
    if (process && read_pid_file(pid_file).holder == pid) return process;
    return {};
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
// when it does not say: then every file must be fit.
std::map<std::string, bool> plugins_of(const std::filesystem::path& socket) {
    std::map<std::string, bool> plugins;
    const auto report =
        nlohmann::json::parse(ControlSocket::ask(socket, "plugins"), nullptr, false);
    if (!report.is_object()) return plugins;
    for (const nlohmann::json& plugin : report.value("plugins", nlohmann::json::array())) {
        if (plugin.value("fit", false))
            plugins[plugin.value("file", "")] = plugin.value("refused", false);
    }
    return plugins;
}

}  // namespace

int show_status(const Options& options) {
    try {
        const PidFileState state = read_pid_file(find_running(options).pid_file);
        if (state.holder) {
            fmt::print("myqd is running (pid {})\n", *state.holder);
            return 0;
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
    const Running running = find_running(options);
    try {
        const auto pid = read_pid_file(running.pid_file).holder;
        if (const ProcessHandle process = open_running(running.pid_file, pid)) {
            const int result =
                stop_process(process, *pid, options.drain ? SIGTERM : SIGINT, running.stop_timeout);
            if (result != ok) return result;
        }
        // What a crash, or our SIGKILL, left behind: from now on it is a daemon that was stopped.
        clear_stale_pid_file(running.pid_file);
        return ok;
    } catch (const std::system_error& e) {
        complain(fmt::format("stop: {}", e.what()));
        return e.code() == std::errc::permission_denied ? no_rights : failed;
    }
}

int reload_daemon(const Options& options) {
    try {
        const auto pid_file = find_running(options).pid_file;
        const auto pid = read_pid_file(pid_file).holder;
        const ProcessHandle process = open_running(pid_file, pid);
        if (!process) {
            complain("reload: myqd is not running");
            return not_running;
        }
        if (!process.send(0) && errno == EPERM) {
            complain(fmt::format("reload: no permission to signal pid {}; try as root", *pid));
            return no_rights;
        }
        const Predecessor running{.elsewhere = plugins_of(pid_file.parent_path() / "control")};
        for (const std::string& remark :
             make_plan(options.config, ::geteuid() == 0, running).remarks())
            complain("reload: " + remark);
        process.send(SIGHUP);
        return ok;
    } catch (const ConfigError& e) {
        complain(fmt::format("reload: refused, the old configuration stays:\n{}", e.what()));
        return not_configured;
    }
}

int remove_queues(const Options& options) {
    const Config config = load_config(options.config, MYQ_PLUGIN_DIR);
    const PidFileState state =
        read_pid_file(run_directory(config.daemon, options.config) / "myqd.pid");
    if (state.holder) {
        complain(
            fmt::format("remove-queues: myqd is running (pid {}); stop it first", *state.holder));
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
