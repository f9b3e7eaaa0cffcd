#include "client/body_reader.hpp"

#include "client/failure.hpp"
#include "client/waiting.hpp"
#include "config/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace myq {

namespace {

constexpr std::size_t chunk = 65536;

Failure unreadable(const std::string& name, int error) {
    return {ExitCode::no_input,
            fmt::format("{}: cannot be read: {}", name, std::generic_category().message(error))};
}

Failure too_long(const std::string& what, std::size_t limit) {
    return {ExitCode::data,
            fmt::format("{}: longer than kernel.msgmax, {} bytes: send less at once, or raise it: "
                        "sysctl -w kernel.msgmax=N",
                        what, limit)};
}

}  // namespace

BodyReader::BodyReader(const std::string& file, std::size_t limit)
    : name_(file == "-" ? "standard input" : myq::quoted(file)),
      limit_(limit),
      // One byte more than fits is enough to know that something does not.
      buffer_(std::max(chunk, limit + 2)) {
    fd_ = file == "-" ? STDIN_FILENO : open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd_ < 0) throw unreadable(name_, errno);
    struct stat status {};
    if (fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) {
        const off_t offset = lseek(fd_, 0, SEEK_CUR);
        size_ = static_cast<std::uint64_t>(std::max<off_t>(status.st_size - offset, 0));
    }
}

BodyReader::~BodyReader() {
    if (fd_ > STDIN_FILENO) close(fd_);
}

bool BodyReader::fill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    for (;;) {
        const ssize_t count = read(fd_, buffer_.data() + end_, buffer_.size() - end_);
        if (count >= 0) {
            end_ += static_cast<std::size_t>(count);
            return count > 0;
        }
        if (errno != EINTR) throw unreadable(name_, errno);
        Waiting::check();
    }
}

std::string_view BodyReader::all() {
    while (rest().size() <= limit_ && fill())
        continue;
    if (rest().size() > limit_) throw too_long(name_, limit_);
    consumed_ = rest().size();
    return rest();
}

std::optional<std::string_view> BodyReader::line() {
    std::size_t searched = 0;
    std::size_t length = 0;
    std::size_t terminator = 1;
    for (;;) {
        const std::size_t found = rest().find('\n', searched);
        length = std::min(found, rest().size());
        if (found != std::string_view::npos || length > limit_) break;
        searched = length;
        if (fill()) continue;
        if (length == 0) return std::nullopt;
        terminator = 0;
        break;
    }
    ++lines_;
    if (length > limit_) throw too_long(fmt::format("{}, line {}", name_, lines_), limit_);
    const std::string_view line = rest().substr(0, length);
    begin_ += length + terminator;
    consumed_ += length + terminator;
    return line;
}

}  // namespace myq
