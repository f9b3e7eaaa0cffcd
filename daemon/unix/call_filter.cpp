#include "daemon/unix/call_filter.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <initializer_list>
#include <limits>

namespace myq {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t our_machine = AUDIT_ARCH_X86_64;
constexpr std::uint32_t first_foreign_call = 0x40000000;  // those of x32
#elif defined(__aarch64__)
constexpr std::uint32_t our_machine = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t first_foreign_call = std::numeric_limits<std::uint32_t>::max();
#else
constexpr std::uint32_t our_machine = 0;  // not known: no filter
constexpr std::uint32_t first_foreign_call = 0;
#endif

// Younger than the headers of Debian 12; the same number everywhere.
constexpr long call_fchmodat2 = 452;
constexpr long call_setxattrat = 463;
constexpr long call_removexattrat = 466;
constexpr long call_file_setattr = 469;

// A program in BPF that forbids calls, one after the other. A call that nothing forbids is allowed.
class Program {
public:
    Program() {
        load(offsetof(seccomp_data, arch));
        jump(BPF_JEQ, our_machine, 1, 0);
        deny(ENOSYS);  // a call of another machine would have another number
        load(offsetof(seccomp_data, nr));
        jump(BPF_JGE, first_foreign_call, 0, 1);
        deny(ENOSYS);
    }

    void forbid(std::initializer_list<long> calls, int error = EPERM) {
        for (const long call : calls) {
            jump(BPF_JEQ, number(call), 0, 1);
            deny(error);
        }
    }

    // Unless argument `index` is one of `allowed`. All of these are ints to the kernel, which looks
    // at no more than 32 bits either.
    void forbid_unless(long call, unsigned index, std::initializer_list<std::uint32_t> allowed,
                       int error = EPERM) {
        jump(BPF_JEQ, number(call), 0, static_cast<std::uint8_t>(2 + 2 * allowed.size()));
        load_argument(index);
        for (const std::uint32_t value : allowed) {
            jump(BPF_JEQ, value, 0, 1);
            give(SECCOMP_RET_ALLOW);
        }
        deny(error);
    }

    // If `bits` of argument `index` are one of `values`.
    void forbid_if(long call, unsigned index, std::uint32_t bits,
                   std::initializer_list<std::uint32_t> values, int error = EPERM) {
        jump(BPF_JEQ, number(call), 0, static_cast<std::uint8_t>(3 + 2 * values.size()));
        load_argument(index);
        code_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits));
        for (const std::uint32_t value : values) {
            jump(BPF_JEQ, value, 0, 1);
            deny(error);
        }
        load(offsetof(seccomp_data, nr));  // others may forbid it, too
    }

    std::vector<sock_filter> end() && {
        give(SECCOMP_RET_ALLOW);
        return std::move(code_);
    }

private:
    static std::uint32_t number(long call) { return static_cast<std::uint32_t>(call); }

    void load(std::size_t offset) {
        code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
    }
    void load_argument(unsigned index) {
        // The low half comes first: both machines are little-endian.
        load(offsetof(seccomp_data, args) + index * sizeof(std::uint64_t));
    }
    void jump(unsigned test, std::uint32_t value, std::uint8_t if_so, std::uint8_t if_not) {
        code_.push_back(
            BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value, if_so, if_not));
    }
    void give(std::uint32_t action) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, action)); }
    void deny(int error) {
        give(SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(error) & SECCOMP_RET_DATA));
    }

    std::vector<sock_filter> code_;
};

// What would go round the fence, whatever it forbids.
void forbid_detours(Program& program) {
    program.forbid({SYS_io_uring_setup}, ENOSYS);  // does many calls without making them
    program.forbid_if(SYS_ioctl, 1, ~0U, {TIOCSTI, TIOCLINUX});
}

void forbid_network(Program& program, Fence::Network network) {
    if (network == Fence::Network::local) program.forbid_unless(SYS_socket, 0, {AF_UNIX}, EACCES);
    if (network == Fence::Network::none) program.forbid({SYS_socket}, EACCES);
}

// A file that is opened for reading can be cut all the same.
void forbid_truncating(Program& program) {
    constexpr std::uint32_t bits = O_TRUNC | O_ACCMODE;
    program.forbid({SYS_truncate}, EACCES);
    program.forbid({SYS_openat2}, ENOSYS);  // its flags are in memory
    program.forbid_if(SYS_openat, 2, bits, {O_TRUNC | O_RDONLY, O_TRUNC | O_ACCMODE}, EACCES);
#ifdef SYS_open
    program.forbid_if(SYS_open, 1, bits, {O_TRUNC | O_RDONLY, O_TRUNC | O_ACCMODE}, EACCES);
#endif
}

void forbid_changing_modes(Program& program) {
    program.forbid({SYS_fchmod, SYS_fchmodat, call_fchmodat2, SYS_fchown, SYS_fchownat,
                    SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, call_setxattrat,
                    SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, call_removexattrat,
                    call_file_setattr});
#ifdef SYS_chmod
    program.forbid({SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat});
#endif
}

void forbid_signals(Program& program) {
    const auto self = static_cast<std::uint32_t>(::getpid());
    program.forbid_unless(SYS_kill, 0, {self});
    program.forbid_unless(SYS_tgkill, 0, {self});
    program.forbid_unless(SYS_tkill, 0, {self});
    program.forbid_unless(SYS_rt_sigqueueinfo, 0, {self});
    program.forbid_unless(SYS_rt_tgsigqueueinfo, 0, {self});
    program.forbid({SYS_pidfd_send_signal});
    // A descriptor's owner is signalled when it becomes readable.
    program.forbid_if(SYS_fcntl, 1, ~0U, {F_SETOWN, F_SETOWN_EX, F_SETSIG});
}

void forbid_other_processes(Program& program) {
    const auto self = static_cast<std::uint32_t>(::getpid());
    program.forbid_unless(SYS_prlimit64, 0, {0, self});
    program.forbid_unless(SYS_sched_setaffinity, 0, {0, self});
    program.forbid_unless(SYS_sched_setscheduler, 0, {0, self});
    program.forbid_unless(SYS_sched_setparam, 0, {0, self});
    program.forbid_unless(SYS_sched_setattr, 0, {0, self});
    program.forbid({SYS_pidfd_getfd, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
                    SYS_process_madvise, SYS_kcmp, SYS_setpriority, SYS_ioprio_set,
                    SYS_migrate_pages, SYS_move_pages, SYS_setpgid});
}

void forbid_new_processes(Program& program) {
    program.forbid({SYS_execve, SYS_execveat});
    program.forbid({SYS_clone3}, ENOSYS);  // its flags are in memory; everybody tries clone then
    program.forbid_if(SYS_clone, 0, CLONE_THREAD, {0});
#ifdef SYS_fork
    program.forbid({SYS_fork, SYS_vfork});
#endif
}

void forbid_system_v(Program& program) {
    program.forbid({SYS_semget, SYS_semop, SYS_semtimedop, SYS_semctl, SYS_shmget, SYS_shmat,
                    SYS_shmctl, SYS_mq_open, SYS_mq_unlink});
}

// Its id is known; what else there is of queues may only be found, looked at and sent to.
void forbid_other_queues(Program& program, int queue) {
    program.forbid_unless(SYS_msgrcv, 0, {static_cast<std::uint32_t>(queue)});
    program.forbid_if(SYS_msgget, 1, IPC_CREAT, {IPC_CREAT});
    program.forbid_if(SYS_msgget, 0, ~0U, {IPC_PRIVATE});  // makes one, too
    program.forbid_unless(SYS_msgctl, 1, {IPC_STAT, IPC_INFO, MSG_STAT, MSG_INFO, MSG_STAT_ANY});
}

}  // namespace

bool has_call_filter() {
    const std::uint32_t action = SECCOMP_RET_ERRNO;
    return our_machine != 0 && ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

std::vector<sock_filter> call_filter(const Fence& fence, const CallsToHold& also) {
    const bool forbids_truncate = fence.write && also.truncate;
    if (fence.network == Fence::Network::any && fence.change_modes && fence.other_processes &&
        fence.new_processes && fence.system_v && !forbids_truncate)
        return {};
    Program program;
    // First: it is asked for each message.
    if (!fence.system_v && fence.queue) forbid_other_queues(program, *fence.queue);
    forbid_detours(program);
    forbid_network(program, fence.network);
    if (forbids_truncate) forbid_truncating(program);
    if (!fence.change_modes) forbid_changing_modes(program);
    if (!fence.other_processes) forbid_other_processes(program);
    if (!fence.other_processes && also.signals) forbid_signals(program);
    if (!fence.new_processes) forbid_new_processes(program);
    if (!fence.system_v) forbid_system_v(program);
    if (!fence.system_v && !fence.queue)
        program.forbid({SYS_msgget, SYS_msgsnd, SYS_msgrcv, SYS_msgctl});
    return std::move(program).end();
}

}  // namespace myq
