// The plugin that tests count with, and that misbehaves on demand.
//
// Option `file` is a file of 64-bit counters that the test has made (its size says how many) and
// maps as well. A body is "ID" or "ID:COMMAND", with ID the decimal index of a counter. The counter
// goes up by one as soon as the message has come, before the command runs; so it counts attempts.
//
// What takes time, and what answers otherwise than `done`:
//     sleep=MS                 take that long
//     late=MS                  the same, and count only then
//     throw retry reject
//     flaky                    `retry` at the first attempt, then `done`
//     sane                     `reject` if the process is not as it was when the handler was made:
//                              directory, umask, signal mask, what SIGTERM does
// What ends the worker, or holds it until somebody else does:
//     crash abort exit _exit hang spin freeze overflow thread-exit longjmp
//     write                    write into the body, which is read-only
//     kill-supervisor kill-everybody
// What leaves the process other than it was, and is `done`:
//     stop-blind               block every signal for good, then take 50 ms
//     block ignore umask chdir the signal mask, SIGTERM, the umask, the directory
//     leak                     open 200 descriptors
//     hog                      use 64 MiB for a moment
//     closefds                 close every descriptor but 0, 1 and 2
//     fork                     leave a child behind for a second
//     no-files                 RLIMIT_FSIZE 0: whoever writes a file from now on is killed
//
// It is built again as other code of the same kind: of another version (LEDGER_VERSION), or one
// that dies in `start` or in `handle`, or fails at every message (LEDGER_FAULT), each before it
// counts.
#include <myq/handler.hpp>

#include <alloca.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#ifndef LEDGER_VERSION
#define LEDGER_VERSION "1.0"
#endif
#ifndef LEDGER_FAULT
#define LEDGER_FAULT ""
#endif

namespace {

constexpr std::string_view fault = LEDGER_FAULT;

// The counters, shared with the test.
class Counters {
public:
    explicit Counters(const std::string& path) {
        const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
        struct stat status {};
        void* memory = MAP_FAILED;
        if (fd != -1 && ::fstat(fd, &status) == 0 && status.st_size > 0) {
            size_ = static_cast<std::size_t>(status.st_size);
            memory = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        }
        const int error = errno;
        if (fd != -1) ::close(fd);
        if (memory == MAP_FAILED) throw std::system_error(error, std::generic_category(), path);
        first_ = static_cast<std::uint64_t*>(memory);
    }
    ~Counters() { ::munmap(first_, size_); }
    Counters(const Counters&) = delete;
    Counters& operator=(const Counters&) = delete;

    bool has(std::uint64_t id) const { return id < size_ / sizeof *first_; }
    void add(std::uint64_t id) { __atomic_fetch_add(first_ + id, 1, __ATOMIC_SEQ_CST); }

private:
    std::uint64_t* first_ = nullptr;
    std::size_t size_ = 0;
};

void take_milliseconds(long ms) {
    timespec left{ms / 1000, ms % 1000 * 1'000'000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
}

[[noreturn]] void hang() {
    for (;;)
        pause();
}

[[noreturn]] void spin() {
    volatile bool forever = true;
    while (forever) {
    }
    abort();
}

void block_every_signal() {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
}

// Eats the stack.
[[noreturn]] void overflow() {
    for (;;) {
        auto* here = static_cast<volatile char*>(alloca(4096));
        *here = 1;
    }
}

jmp_buf gone;

[[gnu::noinline]] void remember_this_frame() {
    if (setjmp(gone) != 0) abort();
}

// Into a function that has returned, which the C library notices and some other day the stack does.
[[noreturn]] void jump_into_the_past() {
    remember_this_frame();
    longjmp(gone, 1);
}

void leak_descriptors() {
    for (int i = 0; i < 200; ++i)
        [[maybe_unused]] const int leaked = open("/dev/null", O_RDONLY);
}

void use_memory() {
    std::vector<char> memory(std::size_t{64} << 20U);
    for (std::size_t i = 0; i < memory.size(); i += 4096)
        *const_cast<volatile char*>(&memory[i]) = 1;
}

void leave_a_child() {
    if (fork() != 0) return;
    take_milliseconds(1'000);
    _exit(0);
}

void forbid_files() {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_FSIZE, &none);
}

void ignore_sigterm() {
    std::signal(SIGTERM, SIG_IGN);
}

void change_directory() {
    [[maybe_unused]] const int ignored = chdir("/tmp");
}

[[noreturn]] void throw_something() {
    throw std::runtime_error("told to throw");
}

struct Command {
    std::string_view name;
    void (*run)();
};

// Those that need neither the message nor a number; `done` if they come back.
constexpr Command commands[] = {
    {"crash", [] { raise(SIGSEGV); }},
    {"abort", [] { abort(); }},
    {"exit", [] { std::exit(0); }},
    {"_exit", [] { _exit(0); }},
    {"hang", [] { hang(); }},
    {"spin", [] { spin(); }},
    {"freeze", [] { raise(SIGSTOP); }},
    {"overflow", [] { overflow(); }},
    {"thread-exit", [] { pthread_exit(nullptr); }},
    {"longjmp", [] { jump_into_the_past(); }},
    {"throw", [] { throw_something(); }},
    {"kill-supervisor", [] { kill(getppid(), SIGKILL); }},
    {"kill-everybody", [] { kill(-1, SIGKILL); }},
    {"stop-blind",
     [] {
         block_every_signal();
         take_milliseconds(50);
     }},
    {"block", [] { block_every_signal(); }},
    {"ignore", [] { ignore_sigterm(); }},
    {"umask", [] { umask(0); }},
    {"chdir", [] { change_directory(); }},
    {"leak", [] { leak_descriptors(); }},
    {"hog", [] { use_memory(); }},
    {"closefds", [] { closefrom(3); }},
    {"fork", [] { leave_a_child(); }},
    {"no-files", [] { forbid_files(); }},
};

// What a handler may have changed, and a worker puts back.
struct State {
    State() {
        directory = std::filesystem::current_path();
        mask_of_files = umask(0);
        umask(mask_of_files);
        sigset_t mask;
        sigprocmask(SIG_SETMASK, nullptr, &mask);
        for (int signal = 1; signal < NSIG; ++signal)
            blocked += sigismember(&mask, signal) == 1 ? std::to_string(signal) + " " : "";
        struct sigaction action {};
        sigaction(SIGTERM, nullptr, &action);
        on_term = action.sa_handler;
    }
    friend bool operator==(const State&, const State&) = default;

    std::string directory, blocked;
    mode_t mask_of_files = 0;
    void (*on_term)(int) = nullptr;
};

class Ledger : public myq::Handler {
public:
    explicit Ledger(const myq::Start& start)
        : Handler(start),
          counters_(start.options.text("file")),
          most_(start.options.integer("most", 1)) {
        if (fault == "start") raise(SIGSEGV);
    }

    std::size_t most_at_once() const override { return static_cast<std::size_t>(most_); }

    myq::Outcome handle(const myq::Message& message) override {
        if (fault == "handle") raise(SIGSEGV);
        if (fault == "fail") return myq::retry("built to fail");
        const std::string_view body = message.text();
        std::uint64_t id = 0;
        const auto [stop, error] = std::from_chars(body.data(), body.data() + body.size(), id);
        const std::string_view rest = body.substr(static_cast<std::size_t>(stop - body.data()));
        if (error != std::errc{} || (!rest.empty() && rest.front() != ':')) {
            return myq::reject("the body is not ID or ID:COMMAND");
        }
        if (!counters_.has(id)) return myq::reject("no counter " + std::to_string(id));
        const std::string_view command = rest.empty() ? rest : rest.substr(1);
        if (number_in(command, "late=")) take_milliseconds(*number_in(command, "late="));
        counters_.add(id);
        return obey(command, message);
    }

private:
    myq::Outcome obey(std::string_view command, const myq::Message& message) const {
        if (command.empty() || number_in(command, "late=")) return myq::done();
        if (command == "retry") return myq::retry("told to retry");
        if (command == "reject") return myq::reject("told to reject");
        if (command == "flaky") {
            return message.attempt() == 1 ? myq::retry("told to fail once") : myq::done();
        }
        if (command == "sane") return State() == at_first_ ? myq::done() : myq::reject("not sane");
        if (command == "write") {
            *const_cast<volatile char*>(message.text().data()) = '!';
            return myq::done();
        }
        if (const auto ms = number_in(command, "sleep=")) {
            take_milliseconds(*ms);
            return myq::done();
        }
        for (const Command& known : commands) {
            if (known.name != command) continue;
            known.run();
            return myq::done();
        }
        return myq::reject("unknown command " + std::string(command));
    }

    static std::optional<long> number_in(std::string_view command, std::string_view name) {
        if (!command.starts_with(name)) return std::nullopt;
        return std::atol(std::string(command.substr(name.size())).c_str());
    }

    const State at_first_;
    Counters counters_;
    std::int64_t most_;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Ledger>({
        .name = "ledger",
        .version = LEDGER_VERSION,
        .options = {{.name = "file",
                     .kind = MYQ_OPTION_PATH,
                     .required = true,
                     .help = "64-bit counters, made by the test"},
                    {.name = "most",
                     .kind = MYQ_OPTION_INTEGER,
                     .default_value = "1",
                     .help = "messages in one call"}},
    });
}
