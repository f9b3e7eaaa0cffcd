// F47: handlers that attack. Behind the fence of a sandbox they harm their own queue and no other;
// without one they can do what the manual says.
#include "tests/faults/expect.hpp"
#include "tests/faults/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>

TEST_SUITE("fence") {

using namespace myq::test;

namespace {

const myq::QueueKey bad_key = myq::QueueKey::from_text("0x6d797102");

// Beside the queue "jobs" one that is called "bad", of the hostile plugin.
void add_bad_queue(DaemonProcess& daemon, const std::string& more) {
    namespace fs = std::filesystem;
    const fs::path run = daemon.dir() / "run";
    std::string slots = (run / "slots").string();
    struct statfs disk {};
    if (::statfs(run.c_str(), &disk) != 0 || disk.f_type != TMPFS_MAGIC) {
        std::string name = run.string().substr(1);
        std::replace(name.begin(), name.end(), '/', '-');
        slots = "/dev/shm/" + name;
    }
    daemon.add_plugin("hostile");
    write_file(daemon.config_file(),
               read_file(daemon.config_file()) +
                   fmt::format("  - name: bad\n"
                               "    key: {}\n"
                               "    receivers: 1\n"
                               "    retry: {{attempts: 1}}\n"
                               "    {}\n"
                               "    handlers:\n"
                               "      - {{type: any, plugin: hostile, timeout: 20s, options: "
                               "{{run: {}, slots: {}, journal: {}, queue: {}}}}}\n",
                               bad_key.text(), more, run.string(), slots,
                               daemon.journal_dir().string(),
                               myq::QueueKey::from_text(DaemonProcess::key).value()));
}

void attack(const std::string& name) {
    REQUIRE(myq::MessageQueue::open(bad_key).send(1, std::as_bytes(std::span(name))) ==
            myq::SendStatus::sent);
}

}  // namespace

TEST_CASE("F47: what attacks from behind the fence harms no other queue, and not the daemon") {
    Stage stage({.messages = 10'000, .receivers = 2, .attempts = 5});
    stage.checker.may_leave_queues(1);  // the bad one
    add_bad_queue(stage.daemon, "sandbox: {network: false, memory: 512MiB, cpu: 2s, files: 256, "
                                "processes: 200}");
    REQUIRE(stage.daemon.start().exit_code == 0);
    const pid_t supervisor = stage.daemon.supervisor();
    const auto neighbours = [&] {
        for (const char* command : {"", "", "", "flaky", "reject"}) {
            const auto fate = *command == '\0' ? Checker::Fate::once : Checker::Fate::again;
            stage.checker.send(stage.daemon.queue(), 1, command, fate);
        }
    };
    for (const char* name : {"write-slots",
                             "cut-slots",
                             "remove-slots",
                             "write-journal",
                             "lock-journal",
                             "change-modes",
                             "write-run-directory",
                             "kill-others",
                             "stop-others",
                             "trace-others",
                             "limit-others",
                             "remove-queue",
                             "take-messages",
                             "make-ipc-objects",
                             "network",
                             "fill-disks",
                             "inherited",
                             "processes",
                             "memory",
                             "shell"}) {
        CAPTURE(std::string(name));
        neighbours();
        attack(name);
        CHECK(stage.daemon.logged(fmt::format("held: {}", name)));
    }
    CHECK_MESSAGE(stage.daemon.log().find("broke out") == std::string::npos, stage.daemon.log());
    attack("spin");
    CHECK(stage.daemon.logged("killed by SIGXCPU"));
    attack("close-all");
    neighbours();
    attack("shell");
    CHECK(stage.daemon.logged("held: shell", 2));
    CHECK(stage.daemon.supervisor() == supervisor);
    CHECK(stage.daemon.myq({"dead", "drop", "--all", "--queue", "bad"}).exit_code == 0);
    expect_promises_kept(stage);
}

TEST_CASE("F47: without a fence a handler can do what the manual says it can") {
    DaemonProcess daemon({{"log"}, "receivers: 2\nhandlers: [{type: any, plugin: log}]", {}});
    add_bad_queue(daemon, "");
    REQUIRE(daemon.start().exit_code == 0);
    for (const char* name :
         {"write-slots", "cut-slots", "remove-slots", "write-journal", "lock-journal",
          "change-modes", "kill-others", "stop-others", "limit-others", "remove-queue",
          "take-messages", "make-ipc-objects", "network", "fill-disks", "shell"}) {
        CAPTURE(std::string(name));
        attack(fmt::format("look {}", name));
        CHECK(daemon.logged(fmt::format("broke out: {}", name)));
    }
}

TEST_CASE("F47: a queue with a sandbox keeps every promise of one without") {
    struct Row {
        const char* durability;
        std::size_t most;
    };
    for (const Row& row : {Row{"memory", 1}, Row{"memory", 20}, Row{"journal", 1}}) {
        CAPTURE(std::string(row.durability));
        CAPTURE(row.most);
        Stage stage({.messages = 10'000,
                     .durability = row.durability,
                     .receivers = 2,
                     .most = row.most,
                     .attempts = 3,
                     .handler = "timeout: 300ms",
                     .queue = "sandbox: {write: [/mnt/ledger]}"});
        REQUIRE(stage.daemon.start().exit_code == 0);
        for (const char* command : {"flaky", "reject", "retry", "crash", "_exit", "freeze"}) {
            for (int i = 0; i < 30; ++i)
                stage.checker.send(stage.daemon.queue(), 1);
            stage.checker.send(stage.daemon.queue(), 1, command, Checker::Fate::again);
        }
        const std::size_t later = stage.checker.next();
        REQUIRE(stage.daemon.myq({"send", "jobs/1", "--delay", "50ms", std::to_string(later)})
                    .exit_code == 0);
        stage.checker.accepted(later);
        CHECK(eventually([&] { return stage.checker.handled() == stage.checker.sent(); }));
        CHECK(stage.daemon.logged("killed by SIGSEGV"));
        CHECK(stage.daemon.logged("no answer for 300ms"));
        stage.allow_for_killed(9);
        expect_promises_kept(stage);
    }
}

}  // TEST_SUITE("fence")
