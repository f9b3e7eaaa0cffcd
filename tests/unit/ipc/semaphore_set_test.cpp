#include "ipc/kernel_limits.hpp"
#include "ipc/semaphore.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>

TEST_SUITE("semaphore_set") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797199");

// A set as somebody else makes it, with any number of members.
class RawSet {
public:
    explicit RawSet(int members, int mode = 0600)
        : id_(semget(key.value(), members, IPC_CREAT | IPC_EXCL | mode)) {
        REQUIRE(id_ >= 0);
    }
    ~RawSet() { semctl(id_, 0, IPC_RMID); }
    RawSet(const RawSet&) = delete;
    RawSet& operator=(const RawSet&) = delete;
    int id() const { return id_; }

private:
    int id_;
};

std::string said(const std::function<void()>& action) {
    try {
        action();
    } catch (const IpcError& e) {
        return std::to_string(e.error()) + " " + e.what();
    }
    return "nothing";
}

}  // namespace

TEST_CASE("Opening a semaphore that is not there says what to do and makes none") {
    CHECK(!SemaphoreSet::exists(key));
    CHECK(said([] { SemaphoreSet::open(key); }) ==
          "2 semget semaphore 0x6d797199: there is no semaphore with this key; start the program "
          "that makes it, or make it with myq sem create");
    CHECK(said([] { SemaphoreSet::open(QueueKey::private_queue()); }) ==
          "2 semget private semaphore: a private semaphore has no key to be found by; use its id");
    CHECK(!SemaphoreSet::exists(QueueKey::private_queue()));
    CHECK(SemaphoreSet::list().empty());
}

TEST_CASE("A created set has its mode, whatever the umask, and three members at 0") {
    const mode_t old = umask(0777);
    const SemaphoreSet set = SemaphoreSet::create(key, 0624);
    umask(old);
    const SemaphoreSetStat stat = set.stat();
    CHECK(stat.id == set.id());
    CHECK(stat.key == key.value());
    CHECK(stat.mode == 0624);
    CHECK(stat.members == 3);
    CHECK(stat.uid == geteuid());
    CHECK(stat.creator_gid == getegid());
    CHECK(stat.operation_time == 0);
    CHECK(stat.change_time != 0);
    CHECK(SemaphoreSet::exists(key));
    CHECK(SemaphoreSet::open(key).id() == set.id());
    set.remove();
}

TEST_CASE("Acquiring dates the set") {
    Semaphore semaphore = Semaphore::create(key, 0600);
    REQUIRE(semaphore.try_acquire());
    CHECK(semaphore.set().stat().operation_time >= std::time(nullptr) - 60);
    semaphore.set().remove();
}

TEST_CASE("A set with fewer members than PHP's three is somebody else's, one with more will do") {
    {
        const RawSet small(2);
        CHECK(said([] { Semaphore::open(key); }) ==
              "22 semget semaphore 0x6d797199: the set with this key has fewer members than PHP's "
              "three, so it is somebody else's; choose another key, or look at it with ipcs -s");
        const SemaphoreSet by_id = SemaphoreSet::from_id(small.id());
        CHECK(said([&] { by_id.values(); }).find("the set has 2 members and PHP's have three") !=
              std::string::npos);
        CHECK(said([&] { const Semaphore semaphore(by_id); }).find("27 semop semaphore with id") ==
              0);
        CHECK(by_id.stat().members == 2);
    }
    const RawSet large(5);
    const Semaphore semaphore = Semaphore::open(key);
    CHECK(semaphore.set().values().users == 1);
    CHECK(semaphore.set().stat().members == 5);
}

TEST_CASE("Owner, group and mode are changed one by one, and what cannot be is refused") {
    const SemaphoreSet set = SemaphoreSet::create(key, 0600);
    set.set({.uid = 65534, .gid = {}, .mode = {}});
    CHECK(set.stat().uid == 65534);
    CHECK(set.stat().mode == 0600);
    set.set({.uid = {}, .gid = 951, .mode = 0640});
    CHECK(set.stat().uid == 65534);
    CHECK(set.stat().gid == 951);
    CHECK(set.stat().mode == 0640);
    for (const OwnershipSettings& bad : {OwnershipSettings{.uid = -1U, .gid = {}, .mode = {}},
                                         OwnershipSettings{.uid = {}, .gid = -1U, .mode = {}},
                                         OwnershipSettings{.uid = {}, .gid = {}, .mode = 01000}}) {
        CHECK(said([&] { set.set(bad); }).find("22 semctl") == 0);
    }
    set.remove();
}

TEST_CASE("Every set is listed, whoever may read it") {
    const RawSet raw(7, 0);
    const SemaphoreSet set = SemaphoreSet::create(QueueKey::private_queue(), 0);
    CHECK(as_nobody([&] {
              const auto sets = SemaphoreSet::list();
              if (sets.size() != 2) return 1;
              const auto at = std::ranges::find(sets, raw.id(), &SemaphoreSetStat::id);
              return at != sets.end() && at->members == 7 && at->key == key.value() ? 0 : 2;
          }) == 0);
    set.remove();
    CHECK(SemaphoreSet::list().size() == 1);
}

TEST_CASE("Without permission a semaphore is found but not used, and each step says so") {
    const RawSet root_only(3);
    CHECK(as_nobody([] {
              const SemaphoreSet set = SemaphoreSet::open(key);
              if (set.stat().mode != 0600) return 1;
              if (said([&] { set.values(); }).find("13 semctl") != 0) return 2;
              if (said([&] { set.remove(); }) !=
                  "1 semctl semaphore 0x6d797199: only the semaphore's owner, its creator and root "
                  "may do this; see them with ipcs -s -c") {
                  return 3;
              }
              return said([&] {
                         const Semaphore semaphore(set);
                     }) == "13 semop semaphore 0x6d797199: no permission to change the semaphore; "
                           "its mode must grant write to this user or one of its groups, see "
                           "ipcs -s"
                         ? 0
                         : 4;
          }) == 0);
}

TEST_CASE("A semaphore that may be changed but not read is left as it was found") {
    const RawSet no_read(3, 0622);
    // It must not take its own end to undo what it began.
    const pid_t child = fork_child([] {
        constexpr uid_t nobody = 65534;
        if (setgid(nobody) != 0 || setuid(nobody) != 0) return 1;
        if (said([] { Semaphore::open(key); }).find("13 semctl") != 0) return 2;
        sigset_t none;
        sigemptyset(&none);
        return sigsuspend(&none);
    });
    REQUIRE(blocks_in(child, SYS_rt_sigsuspend));
    const SemaphoreValues values = SemaphoreSet::from_id(no_read.id()).values();
    CHECK(values.users == 0);
    CHECK(values.setting_up == 0);
    kill(child, SIGKILL);
    wait_for(child);
}

TEST_CASE("A mode that shuts its maker out leaves no set behind") {
    CHECK(as_nobody([] {
              return said([] { Semaphore::create(key, 0); }).find("13 semop") == 0 ? 0 : 1;
          }) == 0);
    CHECK(SemaphoreSet::list().empty());
}

TEST_CASE("An id that means nothing is said to be gone") {
    for (const int id : {-1, 0x7fffffff}) {
        CHECK(said([&] { SemaphoreSet::from_id(id).stat(); }).find("43 semctl semaphore with id") ==
              0);
    }
    CHECK(SemaphoreSet::from_id(5, "mine").name() == "mine");
}

TEST_CASE("The limits on semaphores and their use are the kernel's") {
    std::ofstream("/proc/sys/kernel/sem") << "100\t200\t32\t2\n";
    const RawSet raw(5);
    const SemaphoreLimits limits = semaphore_limits();
    CHECK(limits.members == 100);
    CHECK(limits.semaphores == 200);
    CHECK(limits.operations == 32);
    CHECK(limits.sets == 2);
    CHECK(limits.sets_used == 1);
    CHECK(limits.semaphores_used == 5);

    const SemaphoreSet second = SemaphoreSet::create(QueueKey::private_queue(), 0600);
    CHECK(said([] {
              SemaphoreSet::create(QueueKey::private_queue(), 0600);
          }).find("28 semget private semaphore: there are as many sets") == 0);
    second.remove();
}

}  // TEST_SUITE("semaphore_set")
