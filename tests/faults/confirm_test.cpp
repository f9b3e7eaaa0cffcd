// F37: whoever asks for a confirmation, and then does not take it, or asks in somebody else's name.
#include "tests/faults/asker.hpp"
#include "tests/faults/expect.hpp"
#include "tests/faults/processes.hpp"
#include "tests/faults/storm.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

TEST_SUITE("confirm") {

using namespace myq::test;
using myq::MessageQueue;
using std::chrono::milliseconds;

namespace {

const char* durabilities[] = {"memory", "journal"};

// A queue of a stranger's, with a message in it that must stay the only one.
int somebodys_queue(uid_t owner, mode_t mode, key_t key) {
    const int id = ::msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    REQUIRE(id >= 0);
    msqid_ds ds{};
    REQUIRE(::msgctl(id, IPC_STAT, &ds) == 0);
    ds.msg_perm.uid = owner;
    ds.msg_perm.mode = mode;
    REQUIRE(::msgctl(id, IPC_SET, &ds) == 0);
    return id;
}

pid_t spawn(std::vector<std::string> command) {
    std::vector<char*> words;
    for (std::string& word : command)
        words.push_back(word.data());
    words.push_back(nullptr);
    pid_t pid = -1;
    REQUIRE(::posix_spawn(&pid, words[0], nullptr, nullptr, words.data(), environ) == 0);
    return pid;
}

std::uint64_t messages_in(int queue_id) {
    return MessageQueue::from_id(queue_id).stat_any().messages;
}

}  // namespace

TEST_CASE(
    "F37: a storm of SIGKILL on everybody who could confirm: each sender is told in the end") {
    for (const char* durability : durabilities) {
        CAPTURE(std::string(durability));
        Stage stage({.messages = 1'000'000, .durability = durability, .receivers = 3});
        REQUIRE(stage.daemon.start().exit_code == 0);
        Storm storm(stage, seed());
        Asker asker(stage);
        const auto send_for_a_while = [&] {
            const std::uint64_t until = asker.sent() + 300;
            while (asker.sent() < until && asker.sent() - asker.answered() < 500) {
                if (!asker.send()) break;
                asker.collect();
            }
        };
        for (std::size_t round = 0; round < scaled(100); ++round) {
            send_for_a_while();
            storm.kill_worker();
            if (round % 20 == 19) storm.kill_daemon(milliseconds{5});
        }
        CHECK(eventually([&] {
            asker.collect();
            return asker.answered() == asker.sent();
        }));
        for (std::uint64_t i = 1; i <= asker.sent(); ++i)
            REQUIRE(asker.answer(i) == static_cast<int>(myq::ConfirmStatus::accepted));
        MESSAGE(asker.sent(), " sent, ", asker.answered_twice(), " answered twice");
        CHECK(asker.answered_twice() <= stage.checker.allowed_repeats() * 1'024);
        CHECK(storm.complaint() == "");
        stage.checker.may_leave_queues(1);  // the asker's own
        expect_promises_kept(stage);
    }
}

TEST_CASE(
    "F37: a sender that dies before it reads its confirmation: the message is handled, nobody "
    "waits, and its queue is cleared away") {
    for (const char* durability : durabilities) {
        CAPTURE(std::string(durability));
        Stage stage({.messages = 100, .durability = durability});
        REQUIRE(stage.daemon.start().exit_code == 0);
        // Stopped, so that no confirmation comes before the sender is dead.
        for (const pid_t pid : daemon_processes())
            ::kill(pid, SIGSTOP);
        const std::size_t id = stage.checker.next();
        const pid_t sender = spawn({MYQ_BINARY, "-c", stage.daemon.config_file(), "send", "jobs/1",
                                    "--confirm", std::to_string(id)});
        REQUIRE(
            eventually([&] { return stage.daemon.queue().stat_any().last_send_pid == sender; }));
        ::kill(sender, SIGKILL);
        ::waitpid(sender, nullptr, 0);
        stage.checker.accepted(id);
        REQUIRE(MessageQueue::list().size() == 2);  // its own is left
        for (const pid_t pid : daemon_processes())
            ::kill(pid, SIGCONT);
        CHECK(eventually([&] { return stage.checker.times(id) == 1; }));
        CHECK(stage.checker.probe());
        // Cleared away now and then, when something is confirmed.
        CHECK(eventually([&] {
            stage.daemon.myq({"send", "jobs/1", "--confirm", std::to_string(stage.checker.next())});
            return MessageQueue::list().size() == 1;
        }));
        expect_promises_kept(stage);
    }
}

TEST_CASE(
    "F37: a sender that never reads has its queue full: the daemon goes on, and drops answers") {
    for (const char* durability : durabilities) {
        CAPTURE(std::string(durability));
        Stage stage({.messages = 10'000, .durability = durability});
        REQUIRE(stage.daemon.start().exit_code == 0);
        Asker asker(stage);
        // More answers than its queue has room for.
        myq::QueueSettings small;
        small.capacity = 200;
        MessageQueue::from_id(asker.replies().id()).set(small);
        while (asker.sent() < 1'000) {
            asker.send();
            ::poll(nullptr, 0, asker.sent() % 100 == 0 ? 1 : 0);
        }
        CHECK(stage.checker.probe());
        asker.collect();
        // An intake tells it of many in one answer, which may all fit.
        const bool is_told_one_by_one = std::string_view(durability) == "memory";
        CHECK((asker.answered() < 1'000 || !is_told_one_by_one));
        // From now on it reads, and is told.
        asker.send();
        CHECK(eventually([&] {
            asker.collect();
            return asker.answer(asker.sent()) == 0;
        }));
        stage.checker.may_leave_queues(1);
        expect_promises_kept(stage);
    }
}

TEST_CASE("F37: addresses that are gone, nobody's, or somebody else's: nothing is written there") {
    for (const char* durability : durabilities) {
        CAPTURE(std::string(durability));
        Stage stage({.messages = 100, .durability = durability});
        REQUIRE(stage.daemon.start().exit_code == 0);
        Asker asker(stage);
        const uid_t service = stage.daemon.queue().stat_any().uid;
        const int removed = somebodys_queue(service, 0600, IPC_PRIVATE);
        ::msgctl(removed, IPC_RMID, nullptr);
        const int theirs = somebodys_queue(65534, 0600, IPC_PRIVATE);
        const int open_to_all = somebodys_queue(service, 0666, IPC_PRIVATE);
        const int with_a_key = somebodys_queue(service, 0600, 0x1234);
        const int itself = stage.daemon.queue().id();
        for (const int id : {removed, theirs, open_to_all, with_a_key, itself, 2'000'000'000})
            REQUIRE(asker.send_to({id, 7, 1}));
        CHECK(stage.checker.probe());
        CHECK(eventually([&] { return stage.checker.handled() == stage.checker.sent(); }));
        CHECK(messages_in(theirs) == 0);
        CHECK(messages_in(open_to_all) == 0);
        CHECK(messages_in(with_a_key) == 0);
        for (const int id : {theirs, open_to_all, with_a_key})
            ::msgctl(id, IPC_RMID, nullptr);
        stage.checker.may_leave_queues(1);
        expect_promises_kept(stage);
    }
}

TEST_CASE("F37: an answer without the sender's secret is not believed") {
    Stage stage({.messages = 100, .durability = "journal"});
    REQUIRE(stage.daemon.start().exit_code == 0);
    Asker asker(stage);
    // Somebody who knows the queue, but not the token, lets the daemon itself write the lie.
    REQUIRE(asker.send_to({asker.replies().id(), asker.replies().token() ^ 2, 5}));
    CHECK(stage.checker.probe());
    REQUIRE(eventually([&] { return stage.checker.handled() == stage.checker.sent(); }));
    asker.collect();
    CHECK(asker.answered() == 0);
    REQUIRE(asker.send());
    CHECK(eventually([&] {
        asker.collect();
        return asker.answered() == 1;
    }));
    stage.checker.may_leave_queues(1);
    expect_promises_kept(stage);
}

}  // TEST_SUITE("confirm")
