#include "daemon/daemon.hpp"

#include "config/directories.hpp"
#include "config/run_state.hpp"
#include "daemon/blob_sweep.hpp"
#include "daemon/blob_sweeper.hpp"
#include "daemon/complain.hpp"
#include "daemon/control_desk.hpp"
#include "daemon/control_socket.hpp"
#include "daemon/due_bell.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/logging.hpp"
#include "daemon/make_generation.hpp"
#include "daemon/plan.hpp"
#include "daemon/plugin_rollout.hpp"
#include "daemon/probe_fence.hpp"
#include "daemon/queue_setup.hpp"
#include "daemon/supervisor.hpp"
#include "daemon/unix/child.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/pid_file.hpp"
#include "daemon/unix/private_directory.hpp"
#include "daemon/unix/signals.hpp"
#include "daemon/unix/terminal.hpp"
#include "ipc/printable.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <system_error>

namespace myq {

namespace {

// The directory of the pid file: root's, or ours, and nobody else may write there.
void make_run_directory(const std::filesystem::path& path) {
    const bool made = ::mkdir(path.c_str(), 0755) == 0;
    if (!made && errno != EEXIST) throw failure("cannot make " + path.string());
    const Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!directory && errno != ELOOP && errno != ENOTDIR)
        throw failure("cannot open " + path.string());
    struct stat st {};
    if (directory && ::fstat(directory.value(), &st) != 0) throw failure("fstat " + path.string());
    const bool is_ours = directory && st.st_uid == ::geteuid();
    if (made && is_ours && ::fchmod(directory.value(), 0755) != 0)
        throw failure("chmod " + path.string());
    if (!is_ours || (st.st_mode & 022) != 0) {
        errno = EPERM;
        throw failure(path.string() + " must be a directory that belongs to " +
                      (::geteuid() == 0 ? "root" : "whoever runs the daemon") +
                      " and that nobody else may write");
    }
}

// Before a process is detached for nothing. What is somebody else's directory is refused later.
void refuse_if_one_runs(const std::filesystem::path& run_dir, const std::string& service) {
    struct stat st {};
    if (::stat(run_dir.c_str(), &st) != 0 || st.st_uid != ::geteuid()) return;
    const RunState state = look_at_run_dir(run_dir, service);
    if (state.daemon > 0 || !state.stranger.empty()) throw AlreadyRunning(state.refusal(run_dir));
}

PidFile take_pid_file(const std::filesystem::path& run_dir, const std::string& service) {
    try {
        return {run_dir / lock_file_name, run_dir / pid_file_name};
    } catch (const AlreadyRunning&) {
        refuse_if_one_runs(run_dir, service);  // with whom
        throw;
    }
}

void log_remarks(const std::vector<std::string>& remarks) {
    for (const std::string& remark : remarks)
        spdlog::warn("{}", remark);
}

void set_up_queues(const Plan& plan) {
    // The creator's group keeps its rights for ever, so it should be the service's, not root's.
    if (::geteuid() == 0 && ::setegid(plan.service.gid) != 0) throw failure("setegid");
    for (const QueuePlan& queue : plan.queues) {
        const ReadyQueue ready = set_up_queue(queue.config, plan.service);
        log_remarks(ready.remarks);
        const QueueStat stat = ready.queue.stat_any();
        spdlog::info("queue {} ({}, id {}): {} of {} bytes, {} messages waiting", queue.config.name,
                     queue.config.key.text(), stat.id, stat.bytes, stat.capacity, stat.messages);
    }
}

// The journal's directory: the service's, and nobody else may look into it.
void make_journal_directory(const std::filesystem::path& path, const Identity& owner) {
    // Ours is 077, and the service must come through those above it.
    const mode_t usual = ::umask(022);
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    ::umask(usual);
    if (error) throw std::system_error(error, "cannot make " + path.parent_path().string());
    if (make_private_directory(path, owner)) return;
    errno = EPERM;
    throw failure(fmt::format("the journal's directory {} must belong to user {} and be closed to "
                              "everybody else (mode 0700)",
                              path.string(), owner.user));
}

// The bell of each queue, for all generations.
class Bells {
public:
    explicit Bells(const std::map<std::string, std::int64_t>& first_due) {
        for (const auto& [queue, due_ms] : first_due)
            bells_[queue] = std::make_shared<const DueBell>(due_ms);
    }

    std::shared_ptr<const DueBell> of(const std::string& queue) {
        auto& bell = bells_[queue];
        if (!bell) bell = std::make_shared<const DueBell>(DueBell::at_once);
        return bell;
    }

private:
    std::map<std::string, std::shared_ptr<const DueBell>> bells_;
};

// Makes or checks the journal, takes back what slots that are no more had claimed, and looks what
// is due, by queue. The connection is closed again: it must not cross a fork.
std::map<std::string, std::int64_t>
prepare_journal(const JournalPlace& place, const SlotDirectory& slots, const Config& config) {
    Journal journal(place.directory, place.limits, true);
    if (!journal.mended().empty()) spdlog::warn("journal: {}", journal.mended());
    std::size_t released = 0;
    journal.transact(Survives::power_cut,
                     [&] { released = journal.release_unowned(slots.identities()); });
    if (released > 0) {
        spdlog::info(
            "journal: {} messages were in work when everything ended; they are tried again",
            released);
    }
    std::map<std::string, std::int64_t> due;
    for (const QueueConfig& queue : config.queues)
        due[queue.name] = journal.next_due(queue.name, Selector::any()).value_or(DueBell::never);
    return due;
}

void take_over_slots(const SlotDirectory& slots, const std::filesystem::path& run_dir,
                     std::chrono::milliseconds patience) {
    if (slots.path().empty()) {
        spdlog::warn(
            "neither {} nor /dev/shm is a tmpfs: messages in hand do not survive a kill of the "
            "whole daemon",
            run_dir.string());
    }
    if (const int orphans = slots.evict_orphans(patience)) {
        spdlog::warn("{} workers of a killed daemon were still running; they were ended", orphans);
    }
}

void prepare_reload(const Plan& plan) {
    for (const QueuePlan& queue : plan.queues)
        log_remarks(set_up_queue(queue.config, plan.service).remarks);
    set_log_level(plan.config.log.level);
}

// The life of the daemon proper, from the pid file to its last worker.
void live(const Options& options, const std::shared_ptr<const Plan>& plan, Readiness& readiness) {
    const bool by_root = ::geteuid() == 0;
    const Config& config = plan->config;
    const std::filesystem::path run_dir = run_directory(config.daemon, options.config);
    make_run_directory(run_dir);
    // From here on somebody may find us by the pid file; the supervisor takes what they send.
    hold_signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1});
    const PidFile pid_file = take_pid_file(run_dir, config.daemon.user);
    const ControlSocket control(run_dir / control_socket_name);
    open_log(config.log, plan->service);
    if (!options.foreground) {
        silence(STDOUT_FILENO);
        if (config.log.target == LogConfig::Target::syslog) silence(STDERR_FILENO);
    }
    const TerminalShield shield(plain_lines);
    spdlog::info("myqd {} starts with {}", MYQ_VERSION, config.source.string());

    const SlotDirectory slots(run_dir, plan->service);
    const JournalPlace journal{journal_directory(config.journal, options.config),
                               {config.journal.max_size, config.journal.min_free}};
    make_journal_directory(journal.directory, plan->service);
    set_up_queues(*plan);
    if (by_root)
        drop_privileges(plan->service, {config.daemon.no_new_privs, config.daemon.keep_ipc_owner});

    take_over_slots(slots, run_dir, config.daemon.stop_timeout);
    sweep_blobs(plan->queues, slots, plan->service.uid, SweepTime::at_start);
    BlobSweeper sweeper(slots, plan->service.uid);
    Bells bells(prepare_journal(journal, slots, config));
    PluginRollout rollout(plan,
                          {.config_file = options.config,
                           .started_by_root = by_root,
                           .journal = journal,
                           .bell_of = [&](const std::string& queue) { return bells.of(queue); },
                           .prepare =
                               [&](const Plan& next) {
                                   prepare_reload(next);
                                   sweeper.sweep(next);
                               }});
    ControlDesk desk(control, slots, journal, plan->service.uid);
    Supervisor::Hooks hooks{[&] { return rollout.reload(); }, rotate_log, largest_body};
    hooks.control_fd = desk.fd();
    hooks.on_control = [&](const std::vector<WorkerInfo>& workers, const Generation& generation) {
        return desk.answer(rollout, workers, generation);
    };
    hooks.reload_begins = [&] { desk.reload_begins(); };
    hooks.reload_ended = [&](const std::string& refusal) { desk.reload_ended(refusal); };
    hooks.on_other_child = [&](pid_t pid, int wait_status) {
        desk.ended(pid);
        sweeper.ended(pid);
        rollout.child_ended(pid, wait_status);
    };
    hooks.every_minute = [&] { sweeper.sweep(rollout.plan()); };
    hooks.deliveries = &rollout;
    Supervisor supervisor(slots, hooks);
    supervisor.run(rollout.first_generation(), readiness);
}

}  // namespace

int run_daemon(const Options& options) {
    clean_process();
    const auto plan = std::make_shared<const Plan>(make_plan(options.config, ::geteuid() == 0));
    refuse_if_one_runs(run_directory(plan->config.daemon, options.config),
                       plan->config.daemon.user);
    Readiness readiness = options.foreground ? Readiness{} : daemonize();
    silence(STDIN_FILENO);
    spdlog::set_level(spdlog::level::off);  // until the log is open: the starter is told as well
    try {
        live(options, plan, readiness);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        const auto* start = dynamic_cast<const StartFailure*>(&e);
        const int code = start != nullptr ? start->exit_code() : exit_code(e);
        spdlog::critical("{}", e.what());
        readiness.failed(plain_lines(std::string("myqd: start: ") + e.what()), code);
        return code;
    }
}

int check(const Options& options) {
    const Plan plan = make_plan(options.config, ::geteuid() == 0);
    for (const QueuePlan& queue : plan.queues)
        check_queue(queue.config, plan.service);
    for (const std::string& remark : plan.remarks())
        complain("check: " + remark);
    set_log_level(plan.config.log.level);
    for (const std::string& sentence : beyond_kernel(probe_fence(std::chrono::seconds{0})))
        spdlog::debug("plugins are looked at without a part of the fence: {}", sentence);
    fmt::print("{}: fine\n", plain_line(plan.config.source.string()));
    return EXIT_SUCCESS;
}

}  // namespace myq
