// Leaves a process behind that holds a lock through an open file description: on the file that the
// body names, or for the body "slot" on the worker's own slot, in which case the handler hangs too.
// Once only: its number is then in /mnt/lingers, and every other message is done at once.
#include <myq/handler.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

constexpr const char* note = "/mnt/lingers";

int own_slot() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(entry.path(), gone);
        if (target.filename().native().starts_with("jobs."))
            return std::stoi(entry.path().filename());
    }
    return -1;
}

void linger(const std::string& what) {
    const int fd = what == "slot" ? own_slot() : ::open(what.c_str(), O_RDWR);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    while (::fcntl(fd, F_OFD_SETLKW, &lock) != 0) {  // the worker has it until it is killed
        if (errno != EINTR) return;
    }
    std::ofstream("/mnt/lingers.holds") << ::getpid();
    for (;;)
        ::pause();
}

struct Lingers : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        const std::string what(message.text());
        if (std::filesystem::exists(note) || what == "nothing") return myq::done();
        const pid_t child = ::fork();
        if (child == 0) {
            linger(what);
            ::_exit(0);
        }
        std::ofstream(note) << child;
        while (what == "slot")
            ::pause();
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Lingers>({.name = "lingers", .version = "1.0"});
}
