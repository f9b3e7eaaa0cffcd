#include "ipc/kernel_limits.hpp"
#include "ipc/shared_memory.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

TEST_SUITE("shared_memory") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797199");

// Removed at the end of the test.
struct Scratch {
    SharedMemory memory;
    explicit Scratch(std::size_t size = 100, mode_t mode = 0600)
        : memory(SharedMemory::create(key, size, mode)) {}
    ~Scratch() {
        try {
            memory.remove();
        } catch (const IpcError&) {
            // The test removed it already.
        }
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
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

TEST_CASE("Opening shared memory that is not there says what to do and makes none") {
    CHECK(!SharedMemory::exists(key));
    CHECK(said([] { SharedMemory::open(key); }) ==
          "2 shmget shared memory 0x6d797199: there is no shared memory with this key; start the "
          "program that makes it, or make it with myq shm create");
    CHECK(said([] {
              SharedMemory::open(QueueKey::private_queue());
          }).find("2 shmget private shared memory: ") == 0);
    CHECK(SharedMemory::list().empty());
}

TEST_CASE("A new segment has its size to the byte, its mode whatever the umask, and is all 0") {
    const mode_t old = umask(0777);
    const Scratch scratch(101, 0640);
    umask(old);
    const SharedMemoryStat stat = scratch.memory.stat();
    CHECK(stat.key == key.value());
    CHECK(stat.size == 101);
    CHECK(stat.mode == 0640);
    CHECK(stat.uid == geteuid());
    CHECK(stat.creator_pid == getpid());
    CHECK(stat.attached == 0);
    CHECK(stat.attach_time == 0);
    CHECK(stat.change_time != 0);
    CHECK(!stat.removed);
    CHECK(SharedMemory::open(key).id() == scratch.memory.id());
    const AttachedMemory attached = scratch.memory.attach(Access::read_only);
    CHECK(attached.size() == 101);
    CHECK(std::ranges::all_of(attached.bytes(), [](std::byte b) { return b == std::byte{0}; }));
    CHECK(said([] { SharedMemory::create(key, 10, 0600); }).find("17 shmget") == 0);
}

TEST_CASE("What one writes the other reads, for as long as each has it attached") {
    const Scratch scratch;
    AttachedMemory one = scratch.memory.attach(Access::read_write);
    {
        const AttachedMemory two = scratch.memory.attach(Access::read_only);
        CHECK(scratch.memory.stat().attached == 2);
        one.writable_bytes()[99] = std::byte{7};
        CHECK(two.bytes()[99] == std::byte{7});
    }
    CHECK(scratch.memory.stat().attached == 1);
    AttachedMemory moved(std::move(one));
    CHECK(moved.bytes()[99] == std::byte{7});
    CHECK(scratch.memory.stat().attached == 1);
    moved = scratch.memory.attach(Access::read_only);
    CHECK(moved.access() == Access::read_only);
    CHECK(scratch.memory.stat().attached == 1);
}

TEST_CASE("Attached for reading only, it cannot be written, asked or not") {
    const Scratch scratch;
    const AttachedMemory attached = scratch.memory.attach(Access::read_only);
    CHECK_THROWS_AS(attached.writable_bytes(), std::logic_error);
    const pid_t writer = fork_child([&] {
        signal(SIGSEGV, SIG_DFL);
        const_cast<std::byte&>(attached.bytes()[0]) = std::byte{1};
        return 0;
    });
    CHECK(wait_for(writer) != 0);
    CHECK(attached.bytes()[0] == std::byte{0});
}

TEST_CASE("A removed segment frees its key at once and stays for who has it attached") {
    const Scratch scratch;
    AttachedMemory attached = scratch.memory.attach(Access::read_write);
    scratch.memory.remove();
    CHECK(!SharedMemory::exists(key));
    CHECK(scratch.memory.stat().removed);
    CHECK(scratch.memory.stat().key == 0);
    attached.writable_bytes()[0] = std::byte{1};
    {
        const Scratch next;
        CHECK(next.memory.attach(Access::read_only).bytes()[0] == std::byte{0});
    }
    { const AttachedMemory last = std::move(attached); }
    for (const auto& call : std::vector<void (*)(const SharedMemory&)>{
             [](const SharedMemory& gone) { gone.stat(); },
             [](const SharedMemory& gone) { gone.set({}); },
             [](const SharedMemory& gone) { gone.remove(); },
             [](const SharedMemory& gone) { gone.attach(Access::read_only); }}) {
        CHECK_THROWS_WITH_AS(call(scratch.memory), doctest::Contains("was removed; open it again"),
                             IpcError);
    }
}

TEST_CASE("Owner and mode are changed one by one, also by an owner who may not read") {
    const Scratch scratch(100, 0600);
    scratch.memory.set({.uid = 65534, .gid = {}, .mode = {}});
    scratch.memory.set({.uid = {}, .gid = {}, .mode = 0020});
    CHECK(scratch.memory.stat().uid == 65534);
    CHECK(scratch.memory.stat().mode == 0020);
    CHECK(as_nobody([&] {
              scratch.memory.set({.uid = {}, .gid = {}, .mode = 0660});
              return 0;
          }) == 0);
    scratch.memory.set({.uid = {}, .gid = 951, .mode = {}});
    CHECK(scratch.memory.stat().gid == 951);
    CHECK(scratch.memory.stat().mode == 0660);
    for (const OwnershipSettings& bad : {OwnershipSettings{.uid = -1U, .gid = {}, .mode = {}},
                                         OwnershipSettings{.uid = {}, .gid = -1U, .mode = {}},
                                         OwnershipSettings{.uid = {}, .gid = {}, .mode = 01000}}) {
        CHECK(said([&] { scratch.memory.set(bad); }).find("22 shmctl") == 0);
    }
}

TEST_CASE("Without permission it is found but not attached, changed or removed") {
    const Scratch scratch(100, 0604);
    CHECK(as_nobody([] {
              const SharedMemory memory = SharedMemory::open(key);
              if (memory.attach(Access::read_only).size() != 100) return 1;
              if (said([&] { memory.attach(Access::read_write); }) !=
                  "13 shmat shared memory 0x6d797199: no permission to attach; the mode must grant "
                  "read, and write unless it is for reading only, to this user or one of its "
                  "groups, see ipcs -m") {
                  return 2;
              }
              if (said([&] { memory.set({}); }).find("1 shmctl") != 0) return 3;
              return said([&] { memory.remove(); }).find("1 shmctl") == 0 ? 0 : 4;
          }) == 0);
}

TEST_CASE("A size that cannot be has its own sentence") {
    CHECK(said([] { SharedMemory::create(key, 0, 0600); }) ==
          "22 shmget shared memory 0x6d797199: a size of 0 bytes; use at least 1");
    std::ofstream("/proc/sys/kernel/shmmax") << "4096\n";
    CHECK(said([] { SharedMemory::create(key, 4097, 0600); }) ==
          "22 shmget shared memory 0x6d797199: 4097 bytes are more than kernel.shmmax, 4096; use "
          "less, or raise it: sysctl -w kernel.shmmax=4097");
    CHECK(!SharedMemory::exists(key));
}

TEST_CASE("Every segment is listed, whoever may read it") {
    const Scratch scratch(100, 0);
    const SharedMemory second = SharedMemory::create(QueueKey::private_queue(), 5, 0);
    CHECK(as_nobody([&] {
              const auto segments = SharedMemory::list();
              if (segments.size() != 2) return 1;
              const auto at = std::ranges::find(segments, second.id(), &SharedMemoryStat::id);
              return at != segments.end() && at->size == 5 ? 0 : 2;
          }) == 0);
    second.remove();
    CHECK(SharedMemory::list().size() == 1);
}

TEST_CASE("The limits on shared memory and their use are the kernel's") {
    std::ofstream("/proc/sys/kernel/shmmax") << "65536\n";
    std::ofstream("/proc/sys/kernel/shmall") << "16\n";
    std::ofstream("/proc/sys/kernel/shmmni") << "2\n";
    const Scratch scratch(5000);
    const SharedMemoryLimits limits = shared_memory_limits();
    const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    CHECK(limits.largest_segment == 65536);
    CHECK(limits.all_segments == 16 * page);
    CHECK(limits.segments == 2);
    CHECK(limits.segments_used == 1);
    CHECK(limits.bytes_used == (5000 + page - 1) / page * page);

    const SharedMemory second = SharedMemory::create(QueueKey::private_queue(), 5, 0600);
    CHECK(said([] {
              SharedMemory::create(QueueKey::private_queue(), 5, 0600);
          }).find("28 shmget private shared memory: there are as many segments") == 0);
    second.remove();
}

}  // TEST_SUITE("shared_memory")
