#include "client/body_reader.hpp"

#include "client/failure.hpp"
#include "client/waiting.hpp"
#include "config/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
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

}  // namespace

BodyReader::BodyReader(const std::string& file, const BodyLimit& limit)
    : name_(file == "-" ? "standard input" : myq::quoted(file)),
      limit_(limit),
      buffer_(chunk) {
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

bool BodyReader::is_ready() const {
    pollfd input{fd_, POLLIN, 0};
    return poll(&input, 1, 0) != 0;  // an error too: read(2) will say which
}

bool BodyReader::fill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == buffer_.size()) buffer_.resize(larger());
    if (idle_ && !is_ready()) idle_();
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

// One byte more than fits is enough to know that something does not.
std::size_t BodyReader::larger() const {
    const std::size_t doubled = std::max<std::size_t>(2 * buffer_.size(), size_.value_or(0) + 1);
    return std::max(buffer_.size() + 1, std::min(doubled, limit_.bytes() + 2));
}

std::string_view BodyReader::all() {
    while (rest().size() <= limit_.bytes() && fill())
        continue;
    if (rest().size() > limit_.bytes()) throw limit_.exceeded_by(name_);
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
        if (found != std::string_view::npos || length > limit_.bytes()) break;
        searched = length;
        if (fill()) continue;
        if (length == 0) return std::nullopt;
        terminator = 0;
        break;
    }
    ++lines_;
    if (length > limit_.bytes()) {
        throw limit_.exceeded_by(fmt::format("{}, line {}", name_, lines_));
    }
    const std::string_view line = rest().substr(0, length);
    begin_ += length + terminator;
    consumed_ += length + terminator;
    return line;
}

}  // namespace myq
