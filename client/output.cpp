#include "client/output.hpp"

#include "client/failure.hpp"
#include "client/waiting.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace myq {

namespace {

void print_as_it_is(std::string_view text) {
    const int error = write_out(text);
    if (error == 0) return;
    throw Failure(ExitCode::system, fmt::format("standard output: cannot be written: {}",
                                                std::generic_category().message(error)));
}

// It stays what it is; asked once, and not for each of many messages.
bool is_for_terminal() {
    static const bool is = isatty(STDOUT_FILENO) == 1;
    return is;
}

}  // namespace

int write_out(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write(STDOUT_FILENO, text.data(), text.size());
        if (count >= 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno != EINTR || Waiting::stopped()) {
            return errno;
        }
    }
    return 0;
}

void print_out(std::string_view text) {
    print_as_it_is(plain_lines(text));
}

std::string as_body(std::string body) {
    if (is_for_terminal()) return plain_lines(body);
    return body;
}

void print_body(std::string_view body) {
    if (is_for_terminal()) return print_out(body);
    print_as_it_is(body);
}

void say(std::string_view text) {
    fmt::print(stderr, "myq: {}\n", plain_lines(text));
}

int output_trouble() {
    const int flags = fcntl(STDOUT_FILENO, F_GETFL);
    if (flags < 0) return errno;
    if ((flags & O_ACCMODE) == O_RDONLY) return EBADF;
    pollfd out{STDOUT_FILENO, 0, 0};
    if (poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0) return EPIPE;
    return 0;
}

unsigned output_width() {
    if (!is_for_terminal()) return 0;
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

}  // namespace myq
