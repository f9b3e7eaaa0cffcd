#include "daemon/worker.hpp"

#include "daemon/exit_code.hpp"
#include "daemon/logging.hpp"
#include "daemon/queue_source.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/unix/signals.hpp"

#include <spdlog/spdlog.h>

#include <time.h>

#include <cstdlib>

namespace myq {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

std::int64_t deadline_in(std::int64_t timeout_ns) {
    if (timeout_ns == 0) return 0;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * nanoseconds_a_second + now.tv_nsec + timeout_ns;
}

// One worker at work. The path from fetch() to settle() makes no allocation, no log call and no
// system call besides msgrcv; only a message that does not end well costs more.
class Worker {
public:
    Worker(const WorkerTask& task, Slot& slot, const HandlerTable& handlers)
        : task_(task),
          slot_(slot),
          handlers_(handlers),
          attempts_(task.queue.retry.attempts) {
        message_.size = sizeof message_;
        message_.queue = task.queue.name.c_str();
    }

    void settle_leftover(const std::string& last_end) {
        if (!slot_.occupied()) return;
        if (slot_.attempts() < static_cast<std::uint32_t>(attempts_)) return handle();
        spdlog::error("{} is given up after {} attempts; the last one: {}", describe(),
                      slot_.attempts(), last_end);
        slot_.settle(&SlotHeader::dead);
    }

    void run(QueueSource& source) {
        while (!stop_requested()) {
            switch (source.fetch(slot_)) {
            case Fetch::message:
                handle();
                break;
            case Fetch::interrupted:
                break;
            case Fetch::does_not_fit:
                return;  // the supervisor makes a larger slot
            }
        }
    }

private:
    void handle() {
        const LiveHandler* handler = handlers_.find(slot_.type());
        if (handler == nullptr) return drop_unknown();
        slot_.begin_attempt(deadline_in(handler->timeout_ns));
        const std::span<const std::byte> body = slot_.body();
        message_.type = slot_.type();
        message_.type_name = handler->config->name.c_str();
        message_.body = body.data();
        message_.body_size = body.size();
        message_.attempt = slot_.attempts();
        message_.timeout_ms = handler->timeout_ns / 1'000'000;
        outcome_ = {};
        outcome_.size = sizeof outcome_;
        log_as(handler->plugin->name);
        handler->plugin->handle(handler->state, &message_, &outcome_);
        if (outcome_.verdict == MYQ_DONE) [[likely]] {
            slot_.settle(&SlotHeader::done);
        } else {
            settle_failure(*handler);
        }
    }

    void settle_failure(const LiveHandler& handler) {
        outcome_.reason[sizeof outcome_.reason - 1] = '\0';
        const bool retry = outcome_.verdict == MYQ_RETRY;
        spdlog::warn("{}: plugin {} {}: {}; it is not kept", describe(), handler.plugin->name,
                     retry ? "wants a retry" : "rejects it",
                     outcome_.reason[0] != '\0' ? outcome_.reason : "it gave no reason");
        slot_.settle(retry ? &SlotHeader::retry : &SlotHeader::reject);
    }

    void drop_unknown() {
        spdlog::warn("{}: no handler takes this type and there is none for any; it is not kept",
                     describe());
        slot_.settle(&SlotHeader::dead);
    }

    // "queue jobs: message of type 7, 12 bytes"
    std::string describe() const {
        return fmt::format("queue {}: message of type {}, {} bytes", task_.queue.name, slot_.type(),
                           slot_.body().size());
    }

    const WorkerTask& task_;
    Slot& slot_;
    const HandlerTable& handlers_;
    int attempts_;
    myq_message message_{};
    myq_outcome outcome_{};
};

}  // namespace

int run_worker(const WorkerTask& task, const WorkerSeat& seat) noexcept {
    Readiness readiness{std::move(seat.report)};
    bool ready = false;
    try {
        become_interruptible(seat.supervisor, reopen_log);
        Slot slot(seat.slot);
        const HandlerTable handlers(task.routes);
        QueueSource source(task.queue, task.types, task.service);
        Worker worker(task, slot, handlers);
        readiness.ready();
        ready = true;
        worker.settle_leftover(seat.last_end);
        if (!seat.settle_only) worker.run(source);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        const int code = exit_code(e);
        if (ready) {
            spdlog::error("queue {}: worker: {}", task.queue.name, e.what());
        } else {
            readiness.failed(e.what(), code);
        }
        return code;
    }
}

}  // namespace myq
