#include "plugins/process/output.hpp"

#include "plugins/process/child.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

Output::Output(Sink sink, Pass pass) : sink_(std::move(sink)), pass_(pass) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) == -1) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    read_end_ = Fd(ends[0]);
    write_end_ = above_standard(Fd(ends[1]));
    if (!write_end_) throw std::system_error(errno, std::generic_category(), "fcntl");
}

void Output::read() {
    std::array<char, 65536> bytes;  // what a pipe holds
    const ssize_t n = ::read(read_end_.get(), bytes.data(), bytes.size());
    if (n > 0) take({bytes.data(), static_cast<std::size_t>(n)});
    if (n == 0) read_end_ = Fd{};
}

void Output::take(std::string_view bytes) {
    if (pass_ == Pass::bytes) return sink_(bytes);
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::string_view part = bytes.substr(0, end);
        const std::size_t room = longest_line - line_.size();
        line_.append(part.substr(0, room));
        line_is_cut_ = line_is_cut_ || part.size() > room;
        if (end == bytes.size()) return;
        end_line();
        bytes.remove_prefix(end + 1);
    }
}

void Output::end_line() {
    if (line_.empty()) return;
    if (left_out_ > 0 || logged_ + line_.size() > most_in_all) {
        ++left_out_;
    } else {
        sink_(line_is_cut_ ? line_ + "..." : line_);
        logged_ += line_.size();
    }
    line_.clear();
    line_is_cut_ = false;
}

void Output::finish() {
    end_line();
    if (left_out_ > 0) sink_("... and " + std::to_string(left_out_) + " more lines");
    read_end_ = Fd{};
}
