#include "daemon/unix/fence.hpp"
#include "daemon/unix/shared_mappings.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/daemon/child.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>

TEST_SUITE("fence") {

using namespace myq;
using test::in_child;

namespace {

// 0 if the call did what was wanted of it, else its errno.
int error_of(long result) {
    return result < 0 ? errno : 0;
}

// What `call` gives inside the fence.
int inside(const Fence& fence, const std::function<int()>& call) {
    return in_child([&] {
        raise_fence(fence);
        return call();
    });
}

int open_for(const std::filesystem::path& path, int flags) {
    return error_of(::open(path.c_str(), flags | O_CLOEXEC, 0600));
}

struct Files {
    Files() {
        std::filesystem::create_directory(dir.path() / "mine");
        std::ofstream(dir.path() / "secret") << "secret";
        std::ofstream(dir.path() / "mine/file") << "mine";
    }
    std::filesystem::path secret() const { return dir.path() / "secret"; }
    std::filesystem::path mine() const { return dir.path() / "mine"; }

    test::TempDir dir;
};

bool kernel_lacks(const Fence& fence) {
    const auto lacks = beyond_kernel(fence);
    for (const std::string& sentence : lacks)
        MESSAGE(sentence);
    return !lacks.empty();
}

}  // namespace

TEST_CASE("fence: one that forbids nothing forbids nothing") {
    const Files files;
    CHECK(inside({}, [&] { return open_for(files.secret(), O_RDWR | O_TRUNC); }) == 0);
    CHECK(inside({}, [] { return error_of(::socket(AF_INET, SOCK_STREAM, 0)); }) == 0);
    CHECK(beyond_kernel({}).empty());
}

TEST_CASE("fence: files are written only where it says, and neither made, cut nor removed") {
    const Files files;
    Fence fence;
    fence.write = {files.mine()};
    if (kernel_lacks(fence)) return;
    const auto in = [&](const auto& call) { return inside(fence, call); };
    CHECK(in([&] { return open_for(files.secret(), O_RDONLY); }) == 0);
    CHECK(in([&] { return open_for(files.secret(), O_WRONLY); }) == EACCES);
    CHECK(in([&] { return open_for(files.secret(), O_RDONLY | O_TRUNC); }) == EACCES);
    CHECK(in([&] { return error_of(::truncate(files.secret().c_str(), 0)); }) == EACCES);
    CHECK(in([&] { return error_of(::unlink(files.secret().c_str())); }) == EACCES);
    CHECK(in([&] { return open_for(files.dir.path() / "new", O_WRONLY | O_CREAT); }) == EACCES);
    CHECK(in([&] { return open_for(files.mine() / "file", O_RDWR | O_TRUNC); }) == 0);
    CHECK(in([&] { return open_for(files.mine() / "new", O_WRONLY | O_CREAT); }) == 0);
    CHECK(std::filesystem::file_size(files.secret()) == 6);
}

TEST_CASE("fence: files are read only where it says") {
    const Files files;
    Fence fence;
    fence.read = {files.mine()};
    if (kernel_lacks(fence)) return;
    CHECK(inside(fence, [&] { return open_for(files.secret(), O_RDONLY); }) == EACCES);
    CHECK(inside(fence, [&] { return open_for(files.dir.path(), O_RDONLY); }) == EACCES);
    CHECK(inside(fence, [&] { return open_for(files.mine() / "file", O_RDONLY); }) == 0);
    fence.read = {files.secret()};
    CHECK(inside(fence, [&] { return open_for(files.secret(), O_RDONLY); }) == 0);
}

TEST_CASE("fence: a path that is not there is said with its name") {
    Fence fence;
    fence.read = {"/no/such/place"};
    if (kernel_lacks(fence)) return;
    CHECK_THROWS_WITH(raise_fence(fence), "open /no/such/place: No such file or directory");
}

TEST_CASE("fence: sockets of no kind, or of this machine only") {
    Fence fence;
    fence.network = Fence::Network::local;
    if (kernel_lacks(fence)) return;
    const auto in = [&](int family) {
        return inside(fence, [=] { return error_of(::socket(family, SOCK_STREAM, 0)); });
    };
    CHECK(in(AF_UNIX) == 0);
    CHECK(in(AF_INET) == EACCES);
    CHECK(in(AF_INET6) == EACCES);
    fence.network = Fence::Network::none;
    CHECK(in(AF_UNIX) == EACCES);
    CHECK(in(AF_INET) == EACCES);
    CHECK(inside(fence, [] {
              int pair[2];
              return error_of(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
          }) == 0);
    // Would make sockets by itself.
    CHECK(inside(fence, [] { return error_of(::syscall(SYS_io_uring_setup, 1, nullptr)); }) ==
          ENOSYS);
}

TEST_CASE("fence: files keep their modes, owners and times") {
    const Files files;
    Fence fence;
    fence.change_modes = false;
    if (kernel_lacks(fence)) return;
    const std::string secret = files.secret().string();
    CHECK(inside(fence, [&] { return error_of(::chmod(secret.c_str(), 0)); }) == EPERM);
    CHECK(inside(fence, [&] { return error_of(::chown(secret.c_str(), 1, 1)); }) == EPERM);
    CHECK(inside(fence, [&] {
              return error_of(::utimensat(AT_FDCWD, secret.c_str(), nullptr, 0));
          }) == EPERM);
    CHECK(inside(fence, [&] {
              const int fd = ::open(secret.c_str(), O_RDONLY | O_CLOEXEC);
              return error_of(::fchmod(fd, 0));
          }) == EPERM);
}

TEST_CASE("fence: other processes are out of reach, itself is not") {
    Fence fence;
    fence.other_processes = false;
    if (kernel_lacks(fence)) return;
    const auto in = [&](const auto& call) { return inside(fence, call); };
    const pid_t other = ::getpid();
    CHECK(in([=] { return error_of(::kill(other, 0)); }) == EPERM);
    CHECK(in([] { return error_of(::kill(-1, 0)); }) == EPERM);
    CHECK(in([] { return error_of(::kill(0, 0)); }) == EPERM);
    CHECK(in([=] { return error_of(::syscall(SYS_tgkill, other, other, 0)); }) == EPERM);
    CHECK(in([=] {
              const rlimit none{0, 0};
              return error_of(::prlimit(other, RLIMIT_NOFILE, &none, nullptr));
          }) == EPERM);
    CHECK(in([] { return error_of(::kill(::getpid(), 0)); }) == 0);
    CHECK(in([] { return ::raise(0); }) == 0);
    CHECK(in([] {
              rlimit files{};
              return error_of(::getrlimit(RLIMIT_NOFILE, &files));
          }) == 0);
}

TEST_CASE("fence: signals stay inside, and reach its own children") {
    Fence fence;
    fence.signals_stay_inside = true;
    if (kernel_lacks(fence)) return;
    const pid_t other = ::getpid();
    CHECK(inside(fence, [=] { return error_of(::kill(other, 0)); }) == EPERM);
    CHECK(inside(fence, [] {
              const pid_t child = test::fork_child([] { return ::pause(); });
              if (::kill(child, SIGTERM) != 0) return errno;
              return test::wait_for(child) == -SIGTERM ? 0 : 1;
          }) == 0);
}

TEST_CASE("fence: no new process, but threads") {
    Fence fence;
    fence.new_processes = false;
    if (kernel_lacks(fence)) return;
    CHECK(inside(fence, [] { return error_of(::fork()); }) == EPERM);
    CHECK(inside(fence, [] { return error_of(::syscall(SYS_clone3, nullptr, 0)); }) == ENOSYS);
    CHECK(inside(fence, [] { return error_of(::execl("/bin/true", "true", nullptr)); }) == EPERM);
    CHECK(inside(fence, [] {
              pthread_t thread{};
              const auto run = [](void* given) { return given; };
              const int error = ::pthread_create(&thread, nullptr, run, nullptr);
              return error != 0 ? error : ::pthread_join(thread, nullptr);
          }) == 0);
}

TEST_CASE("fence: no System V IPC") {
    Fence fence;
    fence.system_v = false;
    if (kernel_lacks(fence)) return;
    CHECK(inside(fence, [] { return error_of(::msgget(IPC_PRIVATE, 0600)); }) == EPERM);
}

TEST_CASE("fence: of queues one is received from, and none is changed") {
    const int mine = ::msgget(IPC_PRIVATE, 0600);
    const int other = ::msgget(IPC_PRIVATE, 0600);
    const struct {
        long type = 1;
        char body = 'x';
    } message;
    for (const int queue : {mine, other})
        REQUIRE(::msgsnd(queue, &message, 1, 0) == 0);
    Fence fence;
    fence.system_v = false;
    fence.queue = mine;
    if (kernel_lacks(fence)) return;
    const auto receive = [&](int queue) {
        return inside(fence, [&] {
            struct {
                long type = 0;
                char body = 0;
            } room;
            return error_of(::msgrcv(queue, &room, 1, 0, IPC_NOWAIT));
        });
    };
    CHECK(receive(other) == EPERM);
    CHECK(receive(mine) == 0);
    CHECK(receive(mine) == ENOMSG);
    msqid_ds ds{};
    CHECK(inside(fence, [&] { return error_of(::msgsnd(other, &message, 1, 0)); }) == 0);
    CHECK(inside(fence, [&] { return error_of(::msgctl(other, IPC_STAT, &ds)); }) == 0);
    REQUIRE(::msgctl(other, IPC_STAT, &ds) == 0);
    for (const int queue : {mine, other}) {
        CHECK(inside(fence, [&] { return error_of(::msgctl(queue, IPC_SET, &ds)); }) == EPERM);
        CHECK(inside(fence, [&] { return error_of(::msgctl(queue, IPC_RMID, &ds)); }) == EPERM);
    }
    CHECK(inside(fence, [] { return error_of(::msgget(0x77, IPC_CREAT | 0600)); }) == EPERM);
    CHECK(inside(fence, [] { return error_of(::msgget(IPC_PRIVATE, 0600)); }) == EPERM);
    CHECK(inside(fence, [] { return error_of(::msgget(0x77, 0)); }) == ENOENT);
    CHECK(inside(fence, [] { return error_of(::shmget(IPC_PRIVATE, 1, 0600)); }) == EPERM);
    for (const int queue : {mine, other})
        ::msgctl(queue, IPC_RMID, nullptr);
}

TEST_CASE("fence: where Landlock holds signals, other processes are those outside") {
    Fence fence;
    fence.other_processes = false;
    fence.signals_stay_inside = true;
    if (kernel_lacks(fence)) return;
    const pid_t other = ::getpid();
    CHECK(inside(fence, [=] { return error_of(::kill(other, 0)); }) == EPERM);
    CHECK(inside(fence, [=] { return error_of(::syscall(SYS_tgkill, other, other, 0)); }) == EPERM);
    const auto to_a_child = [](const Fence& around) {
        return inside(around, [] {
            const pid_t child = test::fork_child([] {
                ::alarm(60);
                return ::pause();
            });
            return error_of(::kill(child, SIGKILL));
        });
    };
    Fence scoped;
    scoped.signals_stay_inside = true;
    CHECK(to_a_child(fence) == (beyond_kernel(scoped).empty() ? 0 : EPERM));
}

TEST_CASE("fence: memory that is shared with others can be given up before") {
    const auto map = [] {
        return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    };
    void* mine = map();
    void* other = map();
    const auto has = [](void* memory) { return ::msync(memory, 4096, MS_ASYNC) == 0; };
    CHECK(test::in_child([&] {
              unmap_shared_but({mine});
              return has(mine) && !has(other) ? 0 : 1;
          }) == 0);
    CHECK(has(other));
    ::munmap(mine, 4096);
    ::munmap(other, 4096);
}

TEST_CASE("fence: nothing is typed into a terminal, whatever else is forbidden") {
    Fence fence;
    fence.system_v = false;
    if (kernel_lacks(fence)) return;
    CHECK(inside(fence, [] {
              const int terminal = ::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
              return error_of(::ioctl(terminal, TIOCSTI, "x"));
          }) == EPERM);
}

TEST_CASE("fence: calls of the 32-bit and the x32 machine are none") {
#if defined(__x86_64__)
    Fence fence;
    fence.network = Fence::Network::none;
    if (kernel_lacks(fence)) return;
    CHECK(inside(fence, [] {
              return error_of(::syscall(0x40000000 | SYS_socket, AF_INET, SOCK_STREAM, 0));
          }) == ENOSYS);
    CHECK(inside(fence, [] {
              long result = 0;
              // getpid of i386; a kernel without it sends SIGSEGV.
              asm volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
              return static_cast<int>(-result);
          }) != -1);
#endif
}

TEST_CASE("fence: amounts have an end") {
    const Files files;
    const Fence fence{.limits = {{RLIMIT_FSIZE, 0},
                                 {RLIMIT_NOFILE, 16},
                                 {RLIMIT_DATA, memory_in_use().data + (8U << 20U)}}};
    CHECK(inside(fence, [&] {
              std::ofstream(files.secret()) << "more" << std::flush;
              return 0;
          }) == -SIGXFSZ);
    CHECK(inside(fence, [] { return error_of(::fcntl(STDERR_FILENO, F_DUPFD, 16)); }) == EINVAL);
    const auto map = [](std::size_t size) {
        const int how = MAP_PRIVATE | MAP_ANONYMOUS;
        return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, how, -1, 0) == MAP_FAILED ? errno : 0;
    };
    CHECK(inside(fence, [&] { return map(16U << 20U); }) == ENOMEM);
    CHECK(inside(fence, [&] { return map(1U << 20U); }) == 0);
    // No limit is raised.
    CHECK(inside({.limits = {{RLIMIT_NOFILE, 16}}}, [] {
              raise_fence({.limits = {{RLIMIT_NOFILE, 1000}}});
              rlimit now{};
              ::getrlimit(RLIMIT_NOFILE, &now);
              return static_cast<int>(now.rlim_max);
          }) == 16);
}

}  // TEST_SUITE("fence")
