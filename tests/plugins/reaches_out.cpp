// Tries what code that is only looked at has no business with; its version says what it could.
#include <myq/handler.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace {

bool can_fork() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    return child > 0 && ::waitpid(child, nullptr, 0) == child;
}

bool can_have_a_gigabyte() {
    const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    return ::mmap(nullptr, 1U << 30U, PROT_READ | PROT_WRITE, how, -1, 0) != MAP_FAILED;
}

bool can_make_a_queue() {
    const int queue = ::msgget(IPC_PRIVATE, 0600);
    return queue >= 0 && ::msgctl(queue, IPC_RMID, nullptr) == 0;
}

bool has_all_time() {
    rlimit time{};
    return ::getrlimit(RLIMIT_CPU, &time) == 0 && time.rlim_cur == RLIM_INFINITY;
}

struct Test {
    const char* name;
    bool could;
};

const char* what_it_could() {
    static std::string could;
    const char* file = "/tmp/reaches_out";
    const Test tests[] = {
        {"inet", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0},
        {"unix", ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0},
        {"file", ::open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0},
        {"unlink", ::unlink(file) == 0},
        {"directory", ::mkdir(file, 0700) == 0},
        {"chmod", ::chmod(file, 0755) == 0},
        {"fork", can_fork()},
        {"queue", can_make_a_queue()},
        {"trace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0},
        {"memory", can_have_a_gigabyte()},
        {"time", has_all_time()},
    };
    for (const Test& test : tests) {
        if (test.could) could += (could.empty() ? "" : "+") + std::string(test.name);
    }
    ::rmdir(file);
    return could.empty() ? "nothing" : could.c_str();
}

struct ReachesOut : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override { return myq::done(); }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<ReachesOut>({.name = "reaches_out", .version = what_it_could()});
}
