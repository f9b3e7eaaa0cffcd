#include "daemon/slot_directory.hpp"
#include "daemon/unix/file_lock.hpp"
#include "daemon/unix/signals.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/test_log.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

TEST_SUITE("slot_directory") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

const Identity me = current_identity();
const Identity nobody{"nobody", "nogroup", 65534, 65534};

struct stat stat_of(const std::filesystem::path& path) {
    struct stat st {};
    lstat(path.c_str(), &st);
    return st;
}

// A worker of a daemon that is gone; returns once it has the slot.
template <typename Body>
pid_t orphan(const SlotDirectory& slots, const std::string& name, Body body) {
    Lines lines;
    const pid_t pid = fork_child([&] {
        const auto file = slots.open(name, 100);
        const Slot slot(*file);
        return body([&] { lines.say("claimed"); });
    });
    lines.wait_for("claimed");
    return pid;
}

}  // namespace

TEST_CASE("slots are in a private directory of the service's where run_dir is a tmpfs") {
    const RunDir run;
    const SlotDirectory slots(run.path(), nobody);
    CHECK(slots.path() == run / "slots");
    const struct stat st = stat_of(run / "slots");
    CHECK((st.st_mode & 07777) == 0700);
    CHECK(st.st_uid == 65534);
    CHECK(st.st_gid == 65534);
    CHECK_NOTHROW(SlotDirectory(run.path(), nobody));  // the next start
}

TEST_CASE("slots are in /dev/shm where run_dir is on a disk, under a name of their own") {
    std::filesystem::create_directories("/var/tmp/myq-slots/run");
    const SlotDirectory slots("/var/tmp/myq-slots/run", me);
    CHECK(slots.path() == "/dev/shm/var-tmp-myq-slots-run");
    CHECK((stat_of(slots.path()).st_mode & 07777) == 0700);
    std::filesystem::remove_all("/dev/shm/var-tmp-myq-slots-run");
    std::filesystem::remove_all("/var/tmp/myq-slots");
}

TEST_CASE("slots have no file where there is no tmpfs at all") {
    CHECK(in_child([] {
              if (unshare(CLONE_NEWNS) != 0) return 2;
              if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 3;
              if (mount("/var", "/dev/shm", nullptr, MS_BIND, nullptr) != 0) return 4;
              const SlotDirectory slots("/var", me);
              if (!slots.path().empty() || !slots.names().empty()) return 5;
              if (slots.evict_orphans(0ms) != 0) return 6;
              const auto file = slots.open("q.0", 100);
              return file->body_capacity() == 100 ? 0 : 7;
          }) == 0);
}

TEST_CASE("a directory that somebody else may have prepared is refused") {
    const RunDir run;
    const auto refused =
        doctest::Contains("is not a private directory of user root; see what it is "
                          "and remove it: Operation not permitted");
    SUBCASE("somebody else's") {
        std::filesystem::create_directory(run / "slots");
        REQUIRE(chmod((run / "slots").c_str(), 0700) == 0);
        REQUIRE(chown((run / "slots").c_str(), 65534, 65534) == 0);
    }
    SUBCASE("one that others may look into") {
        std::filesystem::create_directory(run / "slots");
        REQUIRE(chmod((run / "slots").c_str(), 0750) == 0);
    }
    SUBCASE("a link to elsewhere") {
        std::filesystem::create_directory(run / "elsewhere");
        std::filesystem::create_directory_symlink(run / "elsewhere", run / "slots");
    }
    SUBCASE("a file") {
        write_file(run / "slots", "x");
    }
    CHECK_THROWS_WITH_AS(SlotDirectory(run.path(), me), refused, std::system_error);
}

TEST_CASE("slots are listed by name, each with an identity of its own") {
    const RunDir run;
    const SlotDirectory slots(run.path(), me);
    CHECK(slots.names().empty());
    const auto one = slots.open("jobs.1", 100);
    const auto zero = slots.open("jobs.0", 100);
    std::filesystem::create_symlink("/etc/passwd", slots.path() / "link");
    std::filesystem::create_directory(slots.path() / "directory");
    CHECK(slots.names() == std::vector<std::string>{"jobs.0", "jobs.1"});
    CHECK(slots.identities() == std::set<std::uint64_t>{zero->identity(), one->identity()});
    CHECK(slots.open("jobs.0", 100)->identity() == zero->identity());
    CHECK(slots.look("jobs.0").type == 0);
}

TEST_CASE("a slot's name says whose it is") {
    CHECK(SlotName("jobs", false, 7).text() == "jobs.7");
    CHECK(SlotName("jobs", true, 0).text() == "jobs+0");
    CHECK(SlotName("a.b.3").belongs_to("a.b", false));
    CHECK(SlotName("a.b+3").belongs_to("a.b", true));
    CHECK(!SlotName("a.b+3").belongs_to("a.b", false));
    CHECK(SlotName("nothing").queue() == "nothing");
    CHECK(SlotName("").queue().empty());
}

TEST_CASE("a slot's name comes back from its text, and anything else is nobody's intake") {
    struct Row {
        const char *text, *queue;
        bool is_intake;
        const char* again;
    };
    const Row rows[] = {
        {"jobs.0", "jobs", false, "jobs.0"},
        {"jobs+12", "jobs", true, "jobs+12"},
        {"a-b_c.d.255", "a-b_c.d", false, "a-b_c.d.255"},
        // A queue may be called like another one's slot.
        {"jobs.0.1", "jobs.0", false, "jobs.0.1"},
        {"jobs.0+1", "jobs.0", true, "jobs.0+1"},
        // What no daemon made.
        {"jobs", "jobs", false, "jobs.0"},
        {"jobs.", "jobs", false, "jobs.0"},
        {"jobs+x", "jobs", true, "jobs+0"},
        {"", "", false, ".0"},
        {".", "", false, ".0"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const SlotName name(row.text);
        CHECK(name.queue() == row.queue);
        CHECK(name.is_intake() == row.is_intake);
        CHECK(name.text() == row.again);
        CHECK(name.belongs_to(row.queue, row.is_intake));
        CHECK(!name.belongs_to(row.queue, !row.is_intake));
        CHECK(!name.belongs_to(std::string(row.queue) + "x", row.is_intake));
    }
}

TEST_CASE("a look at a slot shows what is in it, and at anything else nothing") {
    const RunDir run;
    const SlotDirectory slots(run.path(), me);
    {
        const auto file = slots.open("jobs.0", 100);
        Slot slot(*file);
        receive(slot, 7, "handled");
        slot.settle(Tally::handled, slot.tally_row(7));
        slot.load(11, 8, 0, {}, 0, std::as_bytes(std::span("body")));
    }
    const SlotSnapshot snapshot = slots.look("jobs.0");
    CHECK(snapshot.identity == slots.open("jobs.0", 100)->identity());
    CHECK(snapshot.type == 8);
    CHECK(snapshot.row == 11);
    std::uint64_t handled = 0;
    for (const TallyRow& row : snapshot.tallies) {
        if (row.type == 7) handled = row.of(Tally::handled);
    }
    CHECK(handled == 1);

    write_file(slots.path() / "jobs.1", "no slot at all");
    write_file(slots.path() / "jobs.2", std::string(100'000, 'x'));
    std::filesystem::create_symlink(slots.path() / "jobs.0", slots.path() / "jobs.3");
    for (const char* name : {"jobs.1", "jobs.2", "jobs.3", "jobs.4"}) {
        CAPTURE(name);
        CHECK(slots.look(name).identity == 0);
        CHECK(slots.look(name).type == 0);
        CHECK(slots.look(name).tallies.empty());
    }
}

TEST_CASE("the identities are those of all slots, an intake's too") {
    const RunDir run;
    const SlotDirectory slots(run.path(), me);
    CHECK(slots.identities().empty());
    const auto worker = slots.open("jobs.0", 100);
    const auto intake = slots.open("jobs+0", 5'000);
    CHECK(worker->identity() != intake->identity());
    CHECK(worker->identity() <= INT64_MAX);  // a positive number in SQL
    CHECK(slots.identities() == std::set<std::uint64_t>{worker->identity(), intake->identity()});
    CHECK(slots.names() == std::vector<std::string>{"jobs+0", "jobs.0"});
}

TEST_CASE("an intake that was left behind is evicted like a worker, and its batch is kept") {
    const RunDir run;
    const SlotDirectory slots(run.path(), me);
    store(*slots.open("jobs+0", 100), 1, "batch");
    const pid_t pid = orphan(slots, "jobs+0", [](auto claimed) {
        become_interruptible(getppid(), [] {});
        claimed();
        while (!stop_requested())
            pause();
        return 5;
    });
    CHECK(slots.evict_orphans(20s) == 1);
    CHECK(myq::test::wait_for(pid) == 5);
    CHECK(slots.look("jobs+0").type == 1);
}

TEST_CASE("orphans are asked to leave, and may finish their message") {
    const RunDir run;
    const SlotDirectory slots(run.path(), me);
    slots.open("jobs.0", 100);  // nobody's
    const pid_t pid = orphan(slots, "jobs.1", [](auto claimed) {
        become_interruptible(getppid(), [] {});
        claimed();
        while (!stop_requested())
            pause();
        return 5;
    });
    CHECK(slots.evict_orphans(20s) == 1);
    CHECK(myq::test::wait_for(pid) == 5);
    CHECK(slots.evict_orphans(20s) == 0);
    CHECK_NOTHROW(Slot{*slots.open("jobs.1", 100)});
}

TEST_CASE("an orphan that does not leave is killed") {
    const RunDir run;
    const SlotDirectory slots(run.path(), me);
    const pid_t pid = orphan(slots, "jobs.0", [](auto claimed) {
        signal(SIGTERM, SIG_IGN);
        claimed();
        for (;;)
            pause();
        return 0;
    });
    CHECK(slots.evict_orphans(100ms) == 1);
    CHECK(myq::test::wait_for(pid) == -SIGKILL);
}

TEST_CASE("a slot that somebody has who is no worker goes on as a copy, and he is left alone") {
    const RunDir run;
    const SlotDirectory slots(run.path(), me);
    {
        const auto file = slots.open("jobs.0", 100);
        Slot slot(*file);
        receive(slot, 5, "precious");
    }
    const std::uint64_t identity = slots.look("jobs.0").identity;
    short kind = F_WRLCK;
    int command = F_OFD_SETLK;
    SUBCASE("through an open file description") {}
    SUBCASE("with a read lock") {
        kind = F_RDLCK;
        command = F_SETLK;
    }
    Lines lines;
    const pid_t stranger = fork_child([&] {
        const Fd file{::open((slots.path() / "jobs.0").c_str(), O_RDWR)};
        struct flock lock {};
        lock.l_type = kind;
        lock.l_whence = SEEK_SET;
        lines.say(::fcntl(file.value(), command, &lock) == 0 ? "locked" : "refused");
        pause();
        return 0;
    });
    CHECK(lines.wait_for("ed") == "locked");
    CHECK(slots.evict_orphans(20s) == 0);
    const KeptLog log;
    {
        const auto file = slots.open("jobs.0", 100);
        CHECK(file->identity() == identity);
        CHECK(text_of(Slot(*file)) == "precious");
    }
    CHECK(log.count("slot jobs.0 is locked by process " + std::to_string(stranger)) == 1);
    CHECK(slots.names() == std::vector<std::string>{"jobs.0"});
    CHECK_NOTHROW(Slot(*slots.open("jobs.0", 100)));  // and now it is nobody's
    CHECK(log.count("is locked by") == 1);
    CHECK(kill(stranger, SIGKILL) == 0);
    CHECK(myq::test::wait_for(stranger) == -SIGKILL);
}

TEST_CASE("a slot without a file is copied too, and a copy that was not finished is no slot") {
    const RunDir run;
    const SlotDirectory slots(run.path(), me);
    write_file(slots.path() / "~jobs.7", "half of it");
    CHECK(slots.names().empty());
    SlotFile file(100);
    REQUIRE(in_child([&] {
                Slot slot(file);
                receive(slot, 5, "precious");
                return 0;
            }) == 0);
    const KeptLog log;
    Lines lines;
    const pid_t stranger = fork_child([&] {
        lines.say(try_lock(file.fd()) ? "locked" : "refused");
        pause();
        return 0;
    });
    CHECK(lines.wait_for("ed") == "locked");
    file.evade_stranger();
    CHECK(text_of(Slot(file)) == "precious");
    CHECK(log.count("is locked by") == 1);
    kill(stranger, SIGKILL);
    myq::test::wait_for(stranger);
}

}  // TEST_SUITE("slot_directory")
