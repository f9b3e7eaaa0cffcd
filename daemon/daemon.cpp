#include "daemon/daemon.hpp"

#include "config/directories.hpp"
#include "daemon/blob_sweep.hpp"
#include "daemon/control_socket.hpp"
#include "daemon/due_bell.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/logging.hpp"
#include "daemon/make_generation.hpp"
#include "daemon/plan.hpp"
#include "daemon/queue_setup.hpp"
#include "daemon/status.hpp"
#include "daemon/supervisor.hpp"
#include "daemon/unix/child.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/pid_file.hpp"
#include "daemon/unix/signals.hpp"

#include <spdlog/spdlog.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <set>

namespace myq {

namespace {

// The directory of the pid file: root's, or ours, and nobody else may write there.
void make_run_directory(const std::filesystem::path& path) {
    const bool made = ::mkdir(path.c_str(), 0755) == 0;
    if (!made && errno != EEXIST) throw failure("cannot make " + path.string());
    if (made && ::chmod(path.c_str(), 0755) != 0) throw failure("chmod " + path.string());
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) throw failure("lstat " + path.string());
    if (!S_ISDIR(st.st_mode) || st.st_uid != ::geteuid() || (st.st_mode & 022) != 0) {
        errno = EPERM;
        throw failure(path.string() + " must be a directory that belongs to " +
                      (::geteuid() == 0 ? "root" : "whoever runs the daemon") +
                      " and that nobody else may write");
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
    std::filesystem::create_directories(path.parent_path());
    if (::mkdir(path.c_str(), 0700) == 0) {
        if (::lchown(path.c_str(), owner.uid, owner.gid) != 0)
            throw failure("chown " + path.string());
    } else if (errno != EEXIST) {
        throw failure("cannot make the journal's directory " + path.string());
    }
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) throw failure("lstat " + path.string());
    if (!S_ISDIR(st.st_mode) || st.st_uid != owner.uid || (st.st_mode & 077) != 0) {
        errno = EPERM;
        throw failure(fmt::format("the journal's directory {} must belong to user {} and be closed "
                                  "to everybody else (mode 0700)",
                                  path.string(), owner.user));
    }
}

// Makes or checks the journal, takes back what slots that are no more had claimed, and looks what
// is due. The connection is closed again: it must not cross a fork.
FirstDue prepare_journal(const JournalPlace& place, const SlotDirectory& slots,
                         const Config& config) {
    Journal journal(place.directory, place.limits, true);
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
    return [due](const std::string& queue) { return due.at(queue); };
}

// Answers whoever connects to the control socket, each in a process of its own.
class ControlDesk {
public:
    ControlDesk(const ControlSocket& socket, const SlotDirectory& slots,
                const JournalPlace& journal, uid_t service)
        : socket_(socket),
          slots_(slots),
          journal_(journal),
          service_(service) {}

    void answer(const Plan& plan, const std::vector<WorkerInfo>& workers,
                const Generation& generation) {
        const auto caller = socket_.accept();
        if (!caller || clerks_.size() >= most_clerks) return;
        try {
            ChildPid clerk = fork_child([&] { return serve(*caller, plan, workers, generation); });
            clerks_.insert(clerk.disown());
        } catch (const std::exception& e) {
            spdlog::error("control: {}", e.what());
        }
    }

    void ended(pid_t clerk) { clerks_.erase(clerk); }

private:
    static constexpr std::size_t most_clerks = 8;

    int serve(const ControlSocket::Caller& caller, const Plan& plan,
              const std::vector<WorkerInfo>& workers, const Generation& generation) const noexcept {
        try {
            const std::string question = ControlSocket::read_line(caller);
            if (question == "status") {
                ControlSocket::write(caller,
                                     status_report(plan, workers, slots_, journal_, started_ms_));
            } else if (question == "look" && (caller.uid == 0 || caller.uid == service_)) {
                for (const std::function<void()>& look : generation.look_again)
                    look();
            }
            return EXIT_SUCCESS;
        } catch (const std::exception& e) {
            spdlog::error("control: {}", e.what());
            return EXIT_FAILURE;
        }
    }

    const ControlSocket& socket_;
    const SlotDirectory& slots_;
    const JournalPlace& journal_;
    uid_t service_;
    std::int64_t started_ms_ = wall_clock_ms();
    std::set<pid_t> clerks_;
};

// Has the shared memory freed that nobody needs, now and then, by a process of its own: what is in
// there was written by strangers.
class Sweeper {
public:
    Sweeper(const SlotDirectory& slots, uid_t service) : slots_(slots), service_(service) {}

    void sweep(const Plan& plan) {
        if (sweeper_ != 0 || !has_blobs_to_judge(service_)) return;
        try {
            ChildPid child = fork_child([&] {
                sweep_blobs(plan.queues, slots_, service_, SweepTime::at_work);
                return EXIT_SUCCESS;
            });
            sweeper_ = child.disown();
        } catch (const std::exception& e) {
            spdlog::error("cannot look for shared memory that nobody needs: {}", e.what());
        }
    }

    void ended(pid_t child) {
        if (child == sweeper_) sweeper_ = 0;
    }

private:
    const SlotDirectory& slots_;
    uid_t service_;
    pid_t sweeper_ = 0;
};

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

// The life of the daemon proper, from the pid file to its last worker.
void live(const Options& options, std::shared_ptr<const Plan> plan, Readiness& readiness) {
    const bool by_root = ::geteuid() == 0;
    const Config& config = plan->config;
    const std::filesystem::path run_dir = run_directory(config.daemon, options.config);
    make_run_directory(run_dir);
    // From here on somebody may find us by the pid file; the supervisor takes what they send.
    hold_signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1});
    PidFile pid_file(run_dir / "myqd.pid");
    open_log(config.log, plan->service);
    if (!options.foreground) {
        silence(STDOUT_FILENO);
        if (config.log.target == LogConfig::Target::syslog) silence(STDERR_FILENO);
    }
    spdlog::info("myqd {} starts with {}", MYQ_VERSION, config.source.string());
    log_remarks(plan->remarks);

    const SlotDirectory slots(run_dir, plan->service);
    take_over_slots(slots, run_dir, config.daemon.stop_timeout);
    const JournalPlace journal{journal_directory(config.journal, options.config),
                               {config.journal.max_size, config.journal.min_free}};
    make_journal_directory(journal.directory, plan->service);
    const ControlSocket control(run_dir / "control");
    set_up_queues(*plan);
    if (by_root)
        drop_privileges(plan->service, {config.daemon.no_new_privs, config.daemon.keep_ipc_owner});

    sweep_blobs(plan->queues, slots, plan->service.uid, SweepTime::at_start);
    Sweeper sweeper(slots, plan->service.uid);
    Generation first = make_generation(plan, journal, prepare_journal(journal, slots, config));
    const auto reload = [&] {
        auto next =
            std::make_shared<const Plan>(make_plan(options.config, by_root, plan->auto_routed));
        for (const QueuePlan& queue : next->queues)
            log_remarks(set_up_queue(queue.config, next->service).remarks);
        log_remarks(next->remarks);
        set_log_level(next->config.log.level);
        plan = next;
        sweeper.sweep(*plan);
        const JournalConfig& limits = plan->config.journal;
        return make_generation(plan, {journal.directory, {limits.max_size, limits.min_free}},
                               [](const std::string&) { return DueBell::at_once; });
    };
    ControlDesk desk(control, slots, journal, plan->service.uid);
    Supervisor::Hooks hooks{reload, rotate_log, largest_body};
    hooks.control_fd = control.fd();
    hooks.on_control = [&](const std::vector<WorkerInfo>& workers, const Generation& generation) {
        desk.answer(*plan, workers, generation);
    };
    hooks.on_other_child = [&](pid_t pid) {
        desk.ended(pid);
        sweeper.ended(pid);
    };
    hooks.every_minute = [&] { sweeper.sweep(*plan); };
    Supervisor supervisor(slots, hooks);
    supervisor.run(std::move(first), readiness);
    pid_file.clear();
}

}  // namespace

int run_daemon(const Options& options) {
    clean_process();
    auto plan = std::make_shared<const Plan>(make_plan(options.config, ::geteuid() == 0));
    if (const auto pid =
            read_pid_file(run_directory(plan->config.daemon, options.config) / "myqd.pid").holder) {
        throw AlreadyRunning(*pid);
    }
    Readiness readiness = options.foreground ? Readiness{} : daemonize();
    silence(STDIN_FILENO);
    try {
        live(options, std::move(plan), readiness);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        const auto* start = dynamic_cast<const StartFailure*>(&e);
        const int code = start != nullptr ? start->exit_code() : exit_code(e);
        spdlog::critical("{}", e.what());
        readiness.failed(std::string("myqd: start: ") + e.what(), code);
        return code;
    }
}

int check(const Options& options) {
    const Plan plan = make_plan(options.config, ::geteuid() == 0);
    for (const QueuePlan& queue : plan.queues)
        check_queue(queue.config, plan.service);
    for (const std::string& remark : plan.remarks)
        fmt::print(stderr, "myqd: check: {}\n", remark);
    fmt::print("{}: fine\n", plan.config.source.string());
    return EXIT_SUCCESS;
}

}  // namespace myq
