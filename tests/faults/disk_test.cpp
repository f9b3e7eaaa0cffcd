// A disk that is full, and one that fails: F23 and F24.
#include "ipc/message_queue.hpp"
#include "tests/faults/disk.hpp"
#include "tests/faults/disk_errors.hpp"
#include "tests/faults/disk_senders.hpp"
#include "tests/faults/expect.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

TEST_SUITE("disk") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::uint64_t disk_size = std::uint64_t{24} << 20U;
constexpr int try_later = 75;
constexpr int system_error = 71;

Stage::Setup small_disk(const std::string& durability) {
    Stage::Setup setup{.messages = 50'000, .durability = durability};
    setup.journal = "min_free: 0";
    return setup;
}

// One message by the client, which may be lost if it is not confirmed.
Run send_confirmed(Stage& stage) {
    const std::size_t id = stage.checker.next();
    const Run sent =
        stage.daemon.myq({"send", "jobs/1", "--confirm", "--timeout", "20s", std::to_string(id)});
    if (sent.exit_code == 0) stage.checker.accepted(id);
    return sent;
}

// Some hundred messages, each of them answered: with `status`.
void send_many(Stage& stage, ConfirmStatus status) {
    constexpr std::size_t each = 300;
    ConfirmedSenders load(stage.daemon.queue(), stage.checker,
                          {each, 3, [](std::size_t) { return Wish{}; }});
    load.wait();
    CHECK(load.answered(status) == 3 * each);
}

std::vector<pid_t> processes_of(const Stage& stage, const std::string& role) {
    const auto status = nlohmann::json::parse(stage.daemon.myq({"status", "--json"}).out);
    std::vector<pid_t> pids;
    for (const auto& worker : status.at("workers")) {
        if (worker.at("role") == role) pids.push_back(worker.at("pid").get<pid_t>());
    }
    return pids;
}

// Whether any message is on its way to a handler.
bool waits(const Stage& stage) {
    const auto status = nlohmann::json::parse(stage.daemon.myq({"status", "--json"}).out);
    const auto& queue = status.at("queues").at(0);
    auto waiting = queue.at("kernel").at("messages").get<std::uint64_t>();
    for (const auto& type : queue.at("types")) {
        for (const auto& [place, count] : type.at("waiting").items())
            waiting += count.get<std::uint64_t>();
    }
    return waiting != 0;
}

// Who writes what a sender wants confirmed.
std::vector<pid_t> writers(const Stage& stage, const std::string& durability) {
    return processes_of(stage, durability == "journal" ? "intake" : "receiver");
}

bool says(const Run& run, const std::string& text) {
    return run.err.find(text) != std::string::npos;
}

// A message that wants no confirmation. On a journaled queue it waits for the journal.
void send_plain(Stage& stage, const std::string& durability) {
    const std::size_t id = stage.checker.sent();
    REQUIRE(stage.checker.send(stage.daemon.queue(), 1));
    if (durability == "memory") CHECK(eventually([&] { return stage.checker.times(id) == 1; }));
}

void fill_the_disk(const std::string& durability) {
    Stage stage(small_disk(durability));
    const Disk disk(stage.daemon.journal_dir(), disk_size);
    REQUIRE(stage.daemon.start().exit_code == 0);
    const pid_t supervisor = stage.daemon.supervisor();
    send_many(stage, ConfirmStatus::accepted);

    disk.fill();
    const Run refused = send_confirmed(stage);
    CHECK(refused.exit_code == try_later);
    CHECK_MESSAGE(says(refused, "not taken: the journal or its disk is full: try again later, or "
                                "make room: free the disk"),
                  refused.err);
    send_many(stage, ConfirmStatus::full);
    send_plain(stage, durability);
    CHECK(stage.daemon.logged("the disk has only 0 KiB left: free space on it"));

    disk.empty();
    CHECK(eventually([&] { return send_confirmed(stage).exit_code == 0; }));
    send_many(stage, ConfirmStatus::accepted);
    CHECK(stage.daemon.logged("journal: works again"));
    CHECK(stage.daemon.supervisor() == supervisor);
    expect_promises_kept(stage);
}

// Calls fail in the processes that write: what is on the disk stays as it was.
void fail_writes(const std::string& durability, const std::string& calls, const std::string& fault,
                 ConfirmStatus status) {
    Stage stage(small_disk(durability));
    REQUIRE(stage.daemon.start().exit_code == 0);
    send_many(stage, ConfirmStatus::accepted);
    {
        const DiskErrors errors(writers(stage, durability), calls, fault);
        Run refused;
        REQUIRE(eventually([&] {
            refused = send_confirmed(stage);
            return refused.exit_code != 0;
        }));
        CHECK(refused.exit_code == (status == ConfirmStatus::full ? try_later : system_error));
        CHECK_MESSAGE(says(refused, status == ConfirmStatus::full
                                        ? "the journal or its disk is full"
                                        : "the journal cannot be written: see the log of myqd"),
                      refused.err);
        send_many(stage, status);
        send_plain(stage, durability);
        // Nobody waits for room who is no intake: all that want it are refused.
        CHECK(stage.daemon.logged(durability == "memory" && status == ConfirmStatus::full
                                      ? "journal.db: the disk is full: free space on it"
                                      : "messages are kept where they are until it works again"));
    }
    CHECK(eventually([&] { return send_confirmed(stage).exit_code == 0; }));
    send_many(stage, ConfirmStatus::accepted);
    stage.daemon.kill_all();
    stage.daemon.wait_until_gone();
    stage.checker.allow_repeats(10);
    expect_promises_kept(stage);
}

}  // namespace

TEST_CASE(
    "F23: a full disk: who wants a confirmation is refused, nothing confirmed is missing, and "
    "it goes on when there is room, durability: journal") {
    fill_the_disk("journal");
}

TEST_CASE("F23: a full disk: who wants a confirmation is refused, and everybody else is served as "
          "ever, durability: memory") {
    fill_the_disk("memory");
}

TEST_CASE("F23: a disk that fills and empties under senders costs no confirmed message") {
    Stage stage(small_disk("journal"));
    const Disk disk(stage.daemon.journal_dir(), disk_size);
    REQUIRE(stage.daemon.start().exit_code == 0);
    for (int round = 0; round < 3; ++round) {
        ConfirmedSenders load(stage.daemon.queue(), stage.checker,
                              {4'000, 3, [](std::size_t) { return Wish{}; }});
        REQUIRE(eventually([&] { return load.answered(ConfirmStatus::accepted) >= 1'000; }));
        disk.fill();
        CHECK(eventually([&] { return load.answered(ConfirmStatus::full) >= 1; }));
        disk.empty();
        load.wait();
        CHECK(load.answered(ConfirmStatus::failed) == 0);
    }
    expect_promises_kept(stage);
}

TEST_CASE("F23: a disk that is full in the middle of a transaction, durability: journal") {
    fail_writes("journal", "pwrite64", "error=ENOSPC", ConfirmStatus::full);
}

TEST_CASE("F23: a disk that is full in the middle of a transaction, durability: memory" *
          doctest::test_suite("long")) {
    fail_writes("memory", "pwrite64", "error=ENOSPC", ConfirmStatus::full);
}

TEST_CASE("F24: a disk that cannot flush: confirmations stop, and nothing confirmed is missing, "
          "durability: journal") {
    fail_writes("journal", "fsync,fdatasync", "error=EIO", ConfirmStatus::failed);
}

TEST_CASE("F24: a disk that cannot flush: confirmations stop, and nothing confirmed is missing, "
          "durability: memory" *
          doctest::test_suite("long")) {
    fail_writes("memory", "fsync,fdatasync", "error=EIO", ConfirmStatus::failed);
}

TEST_CASE(
    "F24: a disk that cannot be read or written: confirmations stop, and nothing confirmed is "
    "missing") {
    fail_writes("journal", "pread64,pwrite64", "error=EIO", ConfirmStatus::failed);
}

TEST_CASE("F23: at journal.max_size new messages are refused until somebody makes room") {
    Stage::Setup setup = small_disk("journal");
    setup.journal = "max_size: 1MiB, min_free: 0";
    Stage stage(setup);
    REQUIRE(stage.daemon.start().exit_code == 0);
    // What nobody can handle ends among the dead, and stays.
    const Wish dead{"reject", {}, Checker::Fate::again};
    Run refused;
    REQUIRE(eventually([&] {
        ConfirmedSenders load(stage.daemon.queue(), stage.checker,
                              {1'000, 3, [&](std::size_t) { return dead; }});
        load.wait();
        return load.answered(ConfirmStatus::full) > 0;
    }));
    REQUIRE(eventually([&] {
        refused = send_confirmed(stage);
        return refused.exit_code != 0;
    }));
    CHECK(refused.exit_code == try_later);
    CHECK_MESSAGE(says(refused, "raise journal.max_size, or look at myq dead list"), refused.err);
    CHECK(stage.daemon.logged(
        "let the workers catch up, drop what is dead, or raise journal.max_size"));
    // What still waits dies, too, and takes the room again: until nothing does.
    CHECK(eventually([&] {
        return stage.daemon.myq({"dead", "drop", "--all"}).exit_code == 0 && !waits(stage) &&
               stage.daemon.myq({"dead", "drop", "--all"}).exit_code == 0 &&
               send_confirmed(stage).exit_code == 0;
    }));
    expect_promises_kept(stage);
}

}  // TEST_SUITE("disk")
