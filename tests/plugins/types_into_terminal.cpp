// Types a command into whatever terminal it finds, when it is loaded and for each message.
#include <myq/handler.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

// True if there was one.
bool type_into(int fd) {
    if (::isatty(fd) != 1) return false;
    for (const char& c : {'e', 'v', 'i', 'l', '\n'})
        ::ioctl(fd, TIOCSTI, &c);
    return true;
}

bool finds_terminal() {
    constexpr int many = 256;
    bool found = type_into(::open("/dev/tty", O_RDWR | O_CLOEXEC));
    for (int fd = 0; fd < many; ++fd)
        found = type_into(fd) || found;
    return found;
}

[[gnu::constructor]] void look() {
    finds_terminal();
}

struct TypesIntoTerminal : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override {
        return finds_terminal() ? myq::reject("there is a terminal") : myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    // How it is found out where there is no TIOCSTI.
    return myq::plugin<TypesIntoTerminal>(
        {.name = finds_terminal() ? "sees_a_terminal" : "sees_none", .version = "1.0"});
}
