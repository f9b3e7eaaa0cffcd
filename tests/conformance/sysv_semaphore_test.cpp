// One semaphore, held and waited for by PHP and by us.
#include "ipc/semaphore.hpp"
#include "tests/conformance/sysv_peer.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

TEST_SUITE("sysv_semaphore") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797103");
const QueueKey second_key = QueueKey::from_text("0x6d797104");

using Three = std::tuple<int, int, int>;
Three three() {
    const SemaphoreValues values = SemaphoreSet::open(key).values();
    return {values.free, values.users, values.setting_up};
}

bool removed_under(Semaphore& semaphore) {
    try {
        return semaphore.acquire() == AcquireStatus::interrupted;
    } catch (const IpcError& e) {
        return e.error() == EIDRM;
    }
}

}  // namespace

TEST_CASE("PHP and we are users of one semaphore, and whoever came first decides the permits") {
    Peer peer(php);
    CHECK(peer.says("$s = sem_get(0x6d797103, 3)") == "SysvSemaphore");
    CHECK(three() == Three{3, 1, 0});
    auto ours = std::optional(Semaphore::open(key, {.max_acquire = 7}));
    CHECK(three() == Three{3, 2, 0});
    peer.says("$s = null");
    CHECK(three() == Three{3, 1, 0});
    CHECK(peer.says("$s = sem_get(0x6d797103, 5)") == "SysvSemaphore");
    CHECK(three() == Three{3, 2, 0});
    peer.says("$s = null");
    ours.reset();
    CHECK(three() == Three{3, 0, 0});
    // Nobody is left, so the next is the first.
    ours.emplace(Semaphore::open(key, {.max_acquire = 2}));
    CHECK(peer.says("$s = sem_get(0x6d797103, 9)") == "SysvSemaphore");
    CHECK(three() == Three{2, 2, 0});
}

TEST_CASE("A set that PHP makes and one that we make are the same") {
    Peer peer(php);
    const mode_t old = umask(0777);
    peer.says("umask(0777)");
    CHECK(peer.says("$s = sem_get(0x6d797103, 4, 0640)") == "SysvSemaphore");
    const Semaphore ours = Semaphore::create(second_key, 0640, {.max_acquire = 4});
    umask(old);
    const SemaphoreSetStat theirs = SemaphoreSet::open(key).stat();
    const SemaphoreSetStat mine = ours.set().stat();
    CHECK(theirs.mode == mine.mode);
    CHECK(theirs.members == mine.members);
    const SemaphoreValues values = ours.set().values();
    CHECK(three() == Three{values.free, values.users, values.setting_up});
}

TEST_CASE("What we hold PHP does not get, and waits for") {
    Peer peer(php);
    Semaphore ours = Semaphore::create(key, 0600);
    peer.says("$s = sem_get(0x6d797103)");
    REQUIRE(ours.try_acquire());
    CHECK(peer.says("sem_acquire($s, true)") == "false");
    peer.begin("sem_acquire($s)");
    REQUIRE(peer.waits_for_semaphore());
    CHECK(ours.set().values().waiting == 1);
    ours.release();
    CHECK(peer.answer() == "true");
    CHECK(three() == Three{0, 2, 0});
}

TEST_CASE("What PHP holds we do not get, and wait for") {
    Peer peer(php);
    CHECK(peer.says("sem_acquire($s = sem_get(0x6d797103))") == "true");
    Semaphore ours = Semaphore::open_or_create(key, 0600);
    CHECK(!ours.try_acquire());
    CHECK(ours.acquire_for(std::chrono::milliseconds{5}) == AcquireStatus::timed_out);
    const pid_t waiter = fork_child([&] {
        const SemaphoreGuard guard(ours);
        return three() == Three{0, 3, 0} ? 0 : 1;
    });
    REQUIRE(blocks_in(waiter, SYS_semtimedop));
    CHECK(peer.says("sem_release($s)") == "true");
    CHECK(wait_for(waiter) == 0);
    CHECK(three() == Three{1, 2, 0});
}

TEST_CASE("Nobody releases what the other holds") {
    Peer peer(php);
    Semaphore ours = Semaphore::create(key, 0600);
    peer.says("$s = sem_get(0x6d797103)");
    REQUIRE(ours.try_acquire());
    CHECK(peer.says("sem_release($s)") ==
          "false | sem_release(): SysV semaphore for key 0x6d797103 is not currently acquired");
    ours.release();
    CHECK(peer.says("sem_acquire($s)") == "true");
    CHECK_THROWS_AS(ours.release(), std::logic_error);
    CHECK(three() == Three{0, 2, 0});
}

TEST_CASE("The death of a holder lets the other in") {
    Peer peer(php);
    Semaphore ours = Semaphore::create(key, 0600);
    CHECK(peer.says("sem_acquire($s = sem_get(0x6d797103))") == "true");
    CHECK(!ours.try_acquire());
    peer.kill();
    CHECK(ours.acquire() == AcquireStatus::acquired);
    CHECK(three() == Three{0, 1, 0});
    ours.release();

    const pid_t holder = fork_child([&] {
        if (!ours.try_acquire()) return 1;
        return rest();
    });
    REQUIRE(rests(holder));
    Peer waiter(php);
    waiter.begin("sem_acquire($s = sem_get(0x6d797103))");
    REQUIRE(waiter.waits_for_semaphore());
    kill(holder, SIGKILL);
    CHECK(waiter.answer() == "true");
    wait_for(holder);
    CHECK(three() == Three{0, 2, 0});
}

TEST_CASE("The end of a PHP object and of a script give back what they hold") {
    Peer peer(php);
    const Semaphore ours = Semaphore::create(key, 0600, {.max_acquire = 3});
    peer.says("$s = sem_get(0x6d797103)");
    CHECK(peer.says("[sem_acquire($s), sem_acquire($s)]") == "[true,true]");
    CHECK(three() == Three{1, 2, 0});
    peer.says("$s = null");
    CHECK(three() == Three{3, 1, 0});

    // auto_release false: not the object, but the process.
    peer.says("sem_acquire($s = sem_get(0x6d797103, 3, 0666, false))");
    peer.says("$s = null");
    CHECK(three() == Three{2, 2, 0});
    peer.end();
    CHECK(three() == Three{3, 1, 0});
}

TEST_CASE("Removed by one of us, a semaphore is gone for the other") {
    Peer peer(php);
    Semaphore ours = Semaphore::create(key, 0600);
    REQUIRE(ours.try_acquire());
    peer.begin("sem_acquire($s = sem_get(0x6d797103))");
    REQUIRE(peer.waits_for_semaphore());
    ours.set().remove();
    CHECK(peer.answer() ==
          "false | sem_acquire(): Failed to acquire key 0x6d797103: Identifier removed");
    CHECK(peer.says("sem_remove($s)") ==
          "false | sem_remove(): SysV semaphore for key 0x6d797103 does not (any longer) exist");

    CHECK(peer.says("sem_acquire($s = sem_get(0x6d797103))") == "true");
    const pid_t waiter = fork_child([] {
        Semaphore theirs = Semaphore::open(key);
        return removed_under(theirs) ? 0 : 1;
    });
    REQUIRE(blocks_in(waiter, SYS_semtimedop));
    CHECK(peer.says("sem_remove($s)") == "true");
    CHECK(wait_for(waiter) == 0);
}

TEST_CASE("A set with fewer members than three is refused by PHP and by us") {
    Peer peer(php);
    const int id = semget(key.value(), 2, IPC_CREAT | 0600);
    CHECK(peer.says("sem_get(0x6d797103)") ==
          "false | sem_get(): Failed for key 0x6d797103: Invalid argument");
    CHECK_THROWS_AS(Semaphore::open(key), IpcError);
    semctl(id, 0, IPC_RMID);
}

// php-src's ext/sysvsem/tests/nowait.phpt, its child being PHP and its parent we.
TEST_CASE("Two semaphores hand a turn over from us to PHP and back") {
    Peer peer(php);
    Semaphore first = Semaphore::create(key, 0600);
    Semaphore second = Semaphore::create(second_key, 0600);
    peer.says("$first = sem_get(0x6d797103)");
    peer.says("$second = sem_get(0x6d797104)");
    REQUIRE(first.try_acquire());
    CHECK(peer.says("sem_acquire($second)") == "true");
    CHECK(peer.says("sem_acquire($first, true)") == "false");
    CHECK(!second.try_acquire());
    peer.begin("sem_acquire($first) && sem_release($second) && sem_release($first)");
    REQUIRE(peer.waits_for_semaphore());
    first.release();
    CHECK(second.acquire() == AcquireStatus::acquired);
    CHECK(peer.answer() == "true");
    CHECK(peer.says("sem_remove($first)") == "true");
    second.set().remove();
}

TEST_CASE("Python acquires the permits of a semaphore that we keep") {
    Peer peer(python);
    Semaphore ours = Semaphore::create(key, 0600);
    peer.says("s = sysv_ipc.Semaphore(0x6d797103); s.undo = True");
    REQUIRE(ours.try_acquire());
    CHECK(peer.says("s.acquire(0)") == "BusyError");
    ours.release();
    CHECK(peer.says("s.acquire(0)") == "None");
    CHECK(!ours.try_acquire());
    peer.kill();
    CHECK(ours.try_acquire());
}

TEST_CASE("Perl speaks the protocol of three from its manual page alone") {
    Peer peer(perl);
    Semaphore ours = Semaphore::create(key, 0600);
    peer.says("$s = IPC::Semaphore->new(0x6d797103, 3, 0)");
    CHECK(peer.says("$s->op(2, 0, 0, 2, 1, SEM_UNDO, 1, 1, SEM_UNDO)") == "1");
    CHECK(peer.says("$s->op(2, -1, SEM_UNDO)") == "1");
    CHECK(three() == Three{1, 2, 0});
    REQUIRE(ours.try_acquire());
    CHECK(peer.says("$s->op(0, -1, SEM_UNDO | IPC_NOWAIT) ? 'acquired' : $!{EAGAIN} && 'busy'") ==
          "busy");
    ours.release();
    CHECK(peer.says("$s->op(0, -1, SEM_UNDO)") == "1");
    CHECK(!ours.try_acquire());
    peer.end();
    CHECK(three() == Three{1, 1, 0});
}

}  // TEST_SUITE("sysv_semaphore")
