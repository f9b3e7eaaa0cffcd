#include "daemon/daemon.hpp"

#include "daemon/exit_code.hpp"
#include "daemon/logging.hpp"
#include "daemon/plan.hpp"
#include "daemon/queue_setup.hpp"
#include "daemon/supervisor.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/pid_file.hpp"
#include "daemon/worker.hpp"

#include <spdlog/spdlog.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

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

// The workers of a plan, which they share.
Generation make_generation(const std::shared_ptr<const Plan>& plan) {
    Generation generation;
    generation.stop_timeout = plan->config.daemon.stop_timeout;
    for (const QueuePlan& queue : plan->queues) {
        for (const ReceiverConfig& receiver : queue.config.receivers) {
            for (int i = 0; i < receiver.count; ++i) {
                auto body = [plan, &queue, &receiver](const WorkerSeat& seat) {
                    return run_worker({queue.config, receiver.types, queue.routes, plan->service},
                                      seat);
                };
                generation.workers.push_back(
                    std::make_shared<WorkerSpec>(WorkerSpec{queue.config.name, body}));
            }
        }
        for (const Route& route : queue.routes) {
            const auto& timeout = route.handler.timeout;
            auto& shortest = generation.shortest_timeout;
            if (timeout) shortest = std::min(shortest.value_or(*timeout), *timeout);
        }
    }
    return generation;
}

// The life of the daemon proper, from the pid file to its last worker.
void live(const Options& options, std::shared_ptr<const Plan> plan, Readiness& readiness) {
    const bool by_root = ::geteuid() == 0;
    const Config& config = plan->config;
    const std::filesystem::path run_dir = run_directory(config.daemon, options.config);
    make_run_directory(run_dir);
    PidFile pid_file(run_dir / "myqd.pid");
    open_log(config.log, plan->service);
    if (!options.foreground) {
        silence(STDOUT_FILENO);
        if (config.log.target == LogConfig::Target::syslog) silence(STDERR_FILENO);
    }
    spdlog::info("myqd {} starts with {}", MYQ_VERSION, config.source.string());
    log_remarks(plan->remarks);

    const SlotDirectory slots(run_dir, plan->service);
    if (slots.path().empty()) {
        spdlog::warn(
            "neither {} nor /dev/shm is a tmpfs: messages in hand do not survive a kill of the "
            "whole daemon",
            run_dir.string());
    }
    if (const int orphans = slots.evict_orphans(config.daemon.stop_timeout)) {
        spdlog::warn("{} workers of a killed daemon were still running; they were ended", orphans);
    }
    set_up_queues(*plan);
    if (by_root)
        drop_privileges(plan->service, {config.daemon.no_new_privs, config.daemon.keep_ipc_owner});

    const auto reload = [&] {
        auto next =
            std::make_shared<const Plan>(make_plan(options.config, by_root, plan->auto_routed));
        for (const QueuePlan& queue : next->queues)
            log_remarks(set_up_queue(queue.config, next->service).remarks);
        log_remarks(next->remarks);
        set_log_level(next->config.log.level);
        plan = next;
        return make_generation(plan);
    };
    Supervisor supervisor(slots, {reload, reopen_log, largest_body});
    supervisor.run(make_generation(plan), readiness);
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
