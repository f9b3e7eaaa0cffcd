// The plugin that tests count with, and that misbehaves on demand.
//
// Option `file` is a file of 64-bit counters that the test has made (its size says how many) and
// maps as well. A body is "ID" or "ID:COMMAND", with ID the decimal index of a counter. The counter
// goes up by one as soon as the message has come, before the command runs; so it counts attempts.
//
//     crash abort exit _exit hang spin   end the worker, or hold it until somebody else does
//     throw retry reject                 answer otherwise than `done`
//     sleep=MS                           take that long
//     stop-blind                         block every signal for good, then take 50 ms
//     write                              write into the body, which is read-only
#include <myq/handler.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace {

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

class Ledger : public myq::Handler {
public:
    explicit Ledger(const myq::Start& start)
        : Handler(start),
          counters_(start.options.text("file")) {}

    myq::Outcome handle(const myq::Message& message) override {
        const std::string_view body = message.text();
        std::uint64_t id = 0;
        const auto [stop, error] = std::from_chars(body.data(), body.data() + body.size(), id);
        const std::string_view rest = body.substr(static_cast<std::size_t>(stop - body.data()));
        if (error != std::errc{} || (!rest.empty() && rest.front() != ':')) {
            return myq::reject("the body is not ID or ID:COMMAND");
        }
        if (!counters_.has(id)) return myq::reject("no counter " + std::to_string(id));
        counters_.add(id);
        return rest.empty() ? myq::done() : obey(rest.substr(1), message);
    }

private:
    static myq::Outcome obey(std::string_view command, const myq::Message& message) {
        if (command == "crash") raise(SIGSEGV);
        if (command == "abort") abort();
        if (command == "exit") std::exit(0);
        if (command == "_exit") _exit(0);
        if (command == "hang") hang();
        if (command == "spin") spin();
        if (command == "throw") throw std::runtime_error("told to throw");
        if (command == "retry") return myq::retry("told to retry");
        if (command == "reject") return myq::reject("told to reject");
        if (command == "write") {
            *const_cast<volatile char*>(message.text().data()) = '!';
            return myq::done();
        }
        if (command == "stop-blind") {
            block_every_signal();
            take_milliseconds(50);
            return myq::done();
        }
        if (command.starts_with("sleep=")) {
            take_milliseconds(std::atol(std::string(command.substr(6)).c_str()));
            return myq::done();
        }
        return myq::reject("unknown command " + std::string(command));
    }

    Counters counters_;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Ledger>({
        .name = "ledger",
        .version = "1.0",
        .options = {{.name = "file",
                     .kind = MYQ_OPTION_PATH,
                     .required = true,
                     .help = "64-bit counters, made by the test"}},
    });
}
