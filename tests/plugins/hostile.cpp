// The plugin that tests attack with. A body is the name of one attack, or "look NAME": then it does
// no harm where it could do some. It answers with `reject`: "held: NAME", or "broke out: NAME: what
// was possible". For whose world it is: options `run`, `slots` and `journal`, directories, and
// `queue`, the key of a queue of somebody else.
#include <myq/handler.hpp>

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct World {
    std::string run, slots, journal;
    int queue = -1;
    bool really = true;  // do harm
};

// What an attack could do; "" if nothing.
using Attack = std::string (*)(const World&);

// Slots of the queue "jobs": where the fence is, their directory cannot even be listed.
std::vector<std::string> slots_of_others(const World& world) {
    std::vector<std::string> paths;
    for (const char* name : {"jobs.0", "jobs.1", "jobs.2", "jobs+0"})
        paths.push_back(world.slots + "/" + name);
    return paths;
}

std::string open_for_writing(const std::string& path, bool really) {
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return {};
    if (really) {
        const std::string rubbish(64 << 10, '!');
        [[maybe_unused]] const ssize_t ignored = pwrite(fd, rubbish.data(), rubbish.size(), 0);
        [[maybe_unused]] const int cut = ftruncate(fd, 0);
    }
    close(fd);
    return "wrote " + path;
}

std::string write_slots(const World& world) {
    std::string did;
    for (const std::string& path : slots_of_others(world))
        did += open_for_writing(path, world.really);
    return did;
}

std::string cut_slots(const World& world) {
    std::string did;
    for (const std::string& path : slots_of_others(world)) {
        struct stat st {};
        if (stat(path.c_str(), &st) != 0) continue;
        if (truncate(path.c_str(), world.really ? 0 : st.st_size) == 0) did += "cut " + path;
    }
    return did;
}

std::string remove_slots(const World& world) {
    std::string did;
    const std::string trial = world.slots + "/trial";
    const int fd = open(trial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) did += "made " + trial;
    close(fd);
    unlink(trial.c_str());
    if (!world.really) return did;
    for (const std::string& path : slots_of_others(world)) {
        if (unlink(path.c_str()) == 0) did += "removed " + path;
    }
    return did;
}

std::string write_journal(const World& world) {
    std::string did;
    for (const char* name : {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock"})
        did += open_for_writing(world.journal + "/" + name, world.really);
    return did;
}

std::string lock_journal(const World& world) {
    const int fd = open((world.journal + "/journal.lock").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return {};
    close(fd);
    return "opened journal.lock";
}

std::string change_modes(const World& world) {
    std::string did;
    for (const std::string& path : {world.journal, world.slots}) {
        struct stat st {};
        if (stat(path.c_str(), &st) != 0) continue;
        if (chmod(path.c_str(), world.really ? 0 : st.st_mode & 07777U) == 0)
            did += "changed the mode of " + path;
    }
    return did;
}

std::string write_run_directory(const World& world) {
    std::string did = open_for_writing(world.run + "/myqd.pid", world.really);
    if (world.really && unlink((world.run + "/control").c_str()) == 0) did += "removed the socket";
    return did;
}

// Every other process of ours, the supervisor first.
std::vector<pid_t> others() {
    std::vector<pid_t> pids{getppid()};
    for (pid_t pid = 1; pid < 3'000; ++pid) {
        struct stat st {};
        const bool is_ours = stat(("/proc/" + std::to_string(pid)).c_str(), &st) == 0 &&
                             st.st_uid == getuid() && pid != getpid() && pid != getppid();
        if (is_ours) pids.push_back(pid);
    }
    return pids;
}

std::string signal_others(const World& world, int signal) {
    std::string did;
    for (const pid_t pid : others()) {
        if (kill(pid, world.really ? signal : 0) == 0) did += "kill " + std::to_string(pid) + " ";
        if (syscall(SYS_tgkill, pid, pid, world.really ? signal : 0) == 0) did += "tgkill ";
        const auto fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
        if (fd >= 0 &&
            syscall(SYS_pidfd_send_signal, fd, world.really ? signal : 0, nullptr, 0) == 0)
            did += "pidfd_send_signal ";
        close(fd);
    }
    return did;
}

std::string trace(const World&) {
    std::string did;
    for (const pid_t pid : others()) {
        if (ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0) did += "ptrace ";
        char byte = 0;
        const iovec mine{&byte, 1};
        const iovec theirs{&byte, 1};
        const ssize_t n = process_vm_readv(pid, &mine, 1, &theirs, 1, 0);
        if (n >= 0 || errno == EFAULT) did += "process_vm_readv ";
        if (open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDWR | O_CLOEXEC) >= 0)
            did += "mem ";
    }
    return did;
}

std::string set_limits(const World& world) {
    std::string did;
    for (const pid_t pid : others()) {
        rlimit old{};
        if (prlimit(pid, RLIMIT_CPU, nullptr, &old) != 0) continue;
        const rlimit none{0, 0};
        if (world.really) prlimit(pid, RLIMIT_CPU, &none, nullptr);
        did += "prlimit ";
    }
    return did;
}

std::string remove_queue(const World& world) {
    std::string did;
    msqid_ds ds{};
    if (msgctl(world.queue, IPC_STAT, &ds) != 0) return "the queue cannot even be looked at";
    if (msgctl(world.queue, IPC_SET, &ds) == 0) did += "changed the queue ";
    if (world.really && msgctl(world.queue, IPC_RMID, nullptr) == 0) did += "removed the queue";
    return did;
}

std::string take_messages(const World& world) {
    struct {
        long type;
        char body[100];
    } message{};
    const int flags = IPC_NOWAIT | MSG_NOERROR | (world.really ? 0 : MSG_COPY);
    const ssize_t n = msgrcv(world.queue, &message, sizeof message.body, 0, flags);
    return n >= 0 || errno == ENOMSG ? "received" : "";
}

std::string make_ipc_objects(const World&) {
    std::string did;
    if (const int id = shmget(IPC_PRIVATE, 4096, 0600); id >= 0) {
        shmctl(id, IPC_RMID, nullptr);
        did += "shmget ";
    }
    if (const int id = semget(IPC_PRIVATE, 1, 0600); id >= 0) {
        semctl(id, 0, IPC_RMID);
        did += "semget ";
    }
    if (const int id = msgget(IPC_PRIVATE, 0600); id >= 0) {
        msgctl(id, IPC_RMID, nullptr);
        did += "msgget ";
    }
    return did;
}

std::string use_network(const World& world) {
    std::string did;
    if (const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); fd >= 0) {
        close(fd);
        did += "a socket ";
    }
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (world.run + "/control").copy(address.sun_path, sizeof address.sun_path - 1);
    if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        did += "the control socket ";
    close(fd);
    return did;
}

std::string fill_disks(const World& world) {
    std::string did;
    for (const std::string& path : {std::string("/tmp"), std::string("/var/tmp"),
                                    std::string("/dev/shm"), world.slots, world.journal}) {
        const std::string file = path + "/hostile";
        const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) continue;
        close(fd);
        unlink(file.c_str());
        did += "wrote in " + path + " ";
    }
    return did;
}

// What was handed on by fork: of others, or such that everybody has it.
std::string use_what_is_inherited(const World& world) {
    std::string did;
    std::string own;
    int bells = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find(" rw-s ") == std::string::npos) continue;
        const auto slot = line.find(world.slots);
        if (slot != std::string::npos)
            own = line.substr(slot);
        else
            ++bells;
    }
    if (bells > 1) did += std::to_string(bells) + " bells ";
    for (int fd = 3; fd < 1'000; ++fd) {
        std::array<char, 300> target{};
        const std::string link = "/proc/self/fd/" + std::to_string(fd);
        if (readlink(link.c_str(), target.data(), target.size() - 1) < 0) continue;
        const std::string path = target.data();
        const bool is_of_others = (path.starts_with(world.slots) && path != own) ||
                                  path.starts_with(world.journal) ||
                                  path.starts_with(world.run + "/myqd.pid") ||
                                  path.starts_with("socket:") || path.find("inotify") != path.npos;
        if (is_of_others) did += "has " + path + " ";
    }
    return did;
}

std::string make_many_processes(const World& world) {
    if (!world.really) return "did not try";
    std::vector<pid_t> children;
    while (children.size() < 2'000) {
        const pid_t pid = fork();
        if (pid < 0) break;
        if (pid == 0) {
            for (;;)
                pause();
        }
        children.push_back(pid);
    }
    for (const pid_t child : children) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    return children.size() >= 2'000 ? "2000 processes" : "";
}

std::string take_much_memory(const World& world) {
    if (!world.really) return "did not try";
    constexpr std::size_t much = std::size_t{2} << 30U;
    void* memory = mmap(nullptr, much, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return {};
    munmap(memory, much);
    return "2 GiB";
}

std::string run_a_shell(const World& world) {
    const pid_t supervisor = getppid();
    const pid_t pid = fork();
    if (pid == 0) {
        const std::string signal = world.really ? "-9 " : "-0 ";
        const std::string command = "kill " + signal + std::to_string(supervisor) + "; for f in " +
                                    world.slots + "/jobs.0 " + world.journal +
                                    "/journal.db; do : >>\"$f\" && exit 7; done; exit 3";
        execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        _exit(3);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? "a shell wrote" : "";
}

struct Named {
    std::string_view name;
    Attack attack;
};

constexpr Named attacks[] = {
    {"write-slots", write_slots},
    {"cut-slots", cut_slots},
    {"remove-slots", remove_slots},
    {"write-journal", write_journal},
    {"lock-journal", lock_journal},
    {"change-modes", change_modes},
    {"write-run-directory", write_run_directory},
    {"kill-others", [](const World& world) { return signal_others(world, SIGKILL); }},
    {"stop-others", [](const World& world) { return signal_others(world, SIGSTOP); }},
    {"trace-others", trace},
    {"limit-others", set_limits},
    {"remove-queue", remove_queue},
    {"take-messages", take_messages},
    {"make-ipc-objects", make_ipc_objects},
    {"network", use_network},
    {"fill-disks", fill_disks},
    {"inherited", use_what_is_inherited},
    {"processes", make_many_processes},
    {"memory", take_much_memory},
    {"shell", run_a_shell},
};

class Hostile : public myq::Handler {
public:
    explicit Hostile(const myq::Start& start) : Handler(start) {
        world_.run = start.options.text("run");
        world_.slots = start.options.text("slots");
        world_.journal = start.options.text("journal");
        key_ = static_cast<key_t>(start.options.integer("queue", 0));
    }

    myq::Outcome handle(const myq::Message& message) override {
        std::string_view name = message.text();
        World world = world_;
        world.queue = msgget(key_, 0);
        world.really = !name.starts_with("look ");
        if (!world.really) name.remove_prefix(5);
        if (name == "close-all") {
            closefrom(0);
            return myq::done();
        }
        if (name == "spin") {
            for (volatile bool forever = true; forever;) {
            }
        }
        for (const Named& known : attacks) {
            if (known.name != name) continue;
            const std::string did = known.attack(world);
            const std::string who(name);
            return myq::reject(did.empty() ? "held: " + who : "broke out: " + who + ": " + did);
        }
        return myq::done();
    }

private:
    World world_;
    key_t key_ = 0;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Hostile>({
        .name = "hostile",
        .version = "1.0",
        .options = {{.name = "run", .kind = MYQ_OPTION_PATH, .required = true},
                    {.name = "slots", .kind = MYQ_OPTION_PATH, .required = true},
                    {.name = "journal", .kind = MYQ_OPTION_PATH, .required = true},
                    {.name = "queue", .kind = MYQ_OPTION_INTEGER, .required = true}},
    });
}
