#pragma once

#include "daemon/outcomes.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/worker.hpp"
#include "tests/support/ledger.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/die_at_send.hpp"
#include "tests/unit/daemon/journal_dir.hpp"
#include "tests/unit/daemon/plugin_dir.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/test_log.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace myq::test {

// A slot of queue "jobs", with the plugin `ledger` for its messages: body "3" is counted as 3.
struct WorkerScene {
    WorkerScene() {
        queue.name = "jobs";
        queue.retry.jitter = 0;
        HandlerConfig handler;
        handler.plugin = "ledger";
        handler.options = {{"file", {(run / "ledger").string()}, "myq.yaml:1:1"}};
        handler.where = "myq.yaml:1:1";
        // dlopen() knows a library by its name, here the number of the image's descriptor.
        static const auto image = read_plugin(plugins.path(), "ledger", 0);
        routes = {{handler, image}};
    }

    // The first worker, killed with this in the slot.
    template <typename Work>
    void killed(Work work) const {
        REQUIRE(in_child([&] {
                    Slot slot(file);
                    work(slot);
                    raise(SIGKILL);
                    return 0;
                }) == -SIGKILL);
    }

    // Its successor, which settles what is in the slot and leaves.
    int settle(const std::string& last_end, WorkerSeat::Cause cause) {
        return in_child([&] {
            ::alarm(most_seconds);
            log_to(lines);
            Fd report{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
            return run_worker(task(), {file, report, ::getppid(), true, last_end, cause});
        });
    }
    // The same for one that is killed when it tells somebody what became of the message.
    int settle_until_it_tells() {
        return in_child([&] {
            log_to(lines);
            Fd report{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
            const WorkerSeat seat{file, report, ::getppid(), true, "", WorkerSeat::Cause::unknown};
            die_at_send();
            return run_worker(task(), seat);
        });
    }
    int shelve() {
        return in_child([&] {
            log_to(lines);
            Fd report{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
            return shelve_slot(task(), {file, report, ::getppid(), false, ""});
        });
    }
    WorkerTask task() const {
        return {queue,
                Selector::any(),
                routes,
                me,
                journal.place(),
                bell,
                WorkerTask::From::journal_while_due};
    }

    // One that a journal worker had claimed: loaded into the slot, and given to its handler once.
    void in_work(
        const std::string& body, const std::function<void(Slot&)>& then = [](Slot&) {}) {
        journal.put(7, body);
        killed([&](Slot& slot) {
            slot.hold_claims(true);
            journal.transact([&](Journal& open) {
                open.claim(open.queue_number("jobs"), Selector::any(), slot.identity(),
                           wall_clock_ms(), 1, [&](const DueMessage& due) {
                               if (due.body.size() == due.size) {
                                   slot.load(due.row, due.type, due.attempts, due.id.bytes, 0,
                                             due.body);
                               } else {
                                   slot.load_large(due.row, due.type, due.attempts, due.id.bytes, 0,
                                                   due.size);
                               }
                           });
            });
            slot.begin_attempt(0);
            then(slot);
        });
    }

    // What the worker does whose handler answers `retry`, up to the moment between the COMMIT and
    // the acknowledgement.
    void put_off(Slot& slot) const {
        std::string image = image_of(file);
        JournalAccess access(journal.place());
        const std::size_t row = slot.tally_row(7);
        if (!Outcomes(queue, slot, access, bell).failed(take_in_hand(slot), row, {}, "no luck", {}))
            std::abort();
        constexpr std::size_t written = offsetof(SlotHeader, written_sequence);
        constexpr std::size_t size = slot_header_size - written;
        restore(file, image.replace(written, size, image_of(file), written, size));
    }

    static constexpr unsigned most_seconds = 120;  // then it waits for something, and is killed

    const PluginDir plugins{"ledger"};
    RunDir run;
    JournalDir journal;
    Lines lines;  // what the workers log
    Ledger ledger{run / "ledger", 10};
    const Identity me = current_identity();
    QueueConfig queue;
    std::vector<Route> routes;
    DueBell bell{DueBell::never};
    SlotFile file{run.path(), "jobs.0", 10'000};
};

}  // namespace myq::test
