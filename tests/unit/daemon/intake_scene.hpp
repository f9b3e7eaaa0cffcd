#pragma once

#include "daemon/batch.hpp"
#include "daemon/intake.hpp"
#include "tests/support/run.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/die_at_send.hpp"
#include "tests/unit/daemon/journal_dir.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/test_log.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace myq::test {

// A queue, a journal, and intakes that come to a slot one after the other.
struct IntakeScene {
    IntakeScene() {
        config.name = "jobs";
        config.key = QueueKey::from_text("0x6d797102");
        config.mode = 0622;
    }

    void send(std::int64_t type, std::string_view body) const {
        REQUIRE(queue.send(type, bytes(body), Wait::no) == SendStatus::sent);
    }

    // An intake in a process of its own.
    pid_t start(IntakeMode mode, bool settle_only = false, bool full = false) {
        const JournalPlace place = full ? journal.full_place() : journal.place();
        return myq::test::fork_child([&, place] {
            ::alarm(120);  // then it waits for something, and is killed
            log_to(lines);
            Fd report{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
            const WorkerTask task{config, Selector::any(), {}, me, place, bell};
            return run_intake(task, mode, {*file, report, ::getppid(), settle_only, ""});
        });
    }
    int run(IntakeMode mode, bool settle_only = false) {
        return myq::test::wait_for(start(mode, settle_only));
    }
    // One that is killed when it tells a sender what became of its message.
    int run_until_it_tells(bool full) {
        const JournalPlace place = full ? journal.full_place() : journal.place();
        return in_child([&, place] {
            log_to(lines);
            Fd report{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
            const WorkerTask task{config, Selector::any(), {}, me, place, bell};
            die_at_send();
            return run_intake(task, IntakeMode::for_good, {*file, report, ::getppid(), true, ""});
        });
    }
    // SIGTERM until it has left, as the supervisor does.
    static int stop(pid_t intake) {
        int status = 0;
        eventually([&] {
            ::kill(intake, SIGTERM);
            return ::waitpid(intake, &status, WNOHANG) == intake;
        });
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    // What a killed intake had received and not yet written.
    void leave_batch(const std::vector<std::string>& bodies) {
        REQUIRE(in_child([&] {
                    Slot slot(*file);
                    Batch batch(slot);
                    for (const std::string& body : bodies) {
                        void* buffer = batch.next(200);
                        const std::int64_t type = 7;
                        std::memcpy(buffer, &type, sizeof type);
                        std::memcpy(static_cast<char*>(buffer) + sizeof type, body.data(),
                                    body.size());
                        batch.landed(body.size());
                    }
                    raise(SIGKILL);
                    return 0;
                }) == -SIGKILL);
        REQUIRE(file->view().occupied);
    }

    // The bodies in the journal, in the order of acceptance.
    std::string journaled() const {
        std::string all;
        for (const JournalEntry& entry : journal.entries())
            all += JournalDir::text(entry) + ' ';
        return all;
    }

    QueueConfig config;
    const Identity me = current_identity();
    ScratchQueue queue{MessageQueue::create(QueueKey::from_text("0x6d797102"), 0622)};
    RunDir run_dir;
    JournalDir journal;
    Lines lines;
    DueBell bell{DueBell::never};
    std::unique_ptr<SlotFile> file =
        std::make_unique<SlotFile>(run_dir.path(), "jobs+0", Batch::body_capacity(8'192));
};

}  // namespace myq::test
