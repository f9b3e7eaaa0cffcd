#include "client/progress.hpp"

#include "client/counted.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace myq {

namespace {

constexpr std::size_t bar_width = 24;

}  // namespace

std::string progress_bar(std::uint64_t done, std::uint64_t total) {
    const double share =
        total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    std::string cells(bar_width, '-');
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar_width));
    std::fill_n(cells.begin(), filled, '#');
    return fmt::format("[{}] {:3.0f} %  ", cells, share * 100);
}

Progress::Progress(std::optional<std::uint64_t> total, const char* verb)
    : is_shown_(isatty(STDERR_FILENO) == 1),
      total_(total),
      verb_(verb) {}

Progress::~Progress() {
    if (!drawn_) return;
    const std::chrono::duration<double> took = Clock::now() - start_;
    fmt::print(stderr, "{}{} {} in {:.1f} s ({:.0f}/s)\n", erase_line,
               counted(messages_, "message"), verb_, took.count(),
               static_cast<double>(messages_) / took.count());
}

void Progress::advance(std::uint64_t messages, std::uint64_t bytes) {
    messages_ = messages;
    bytes_ = bytes;
    if (is_shown_) draw({});
}

void Progress::wait(std::string_view reason) {
    if (is_shown_) draw(reason);
}

void Progress::draw(std::string_view reason) {
    const Clock::time_point now = Clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds{100};
    drawn_ = true;
    const std::chrono::duration<double> took = now - start_;
    fmt::print(stderr, "{}{}{}  {:.0f}/s{}{}", erase_line,
               total_ ? progress_bar(bytes_, *total_) : "", counted(messages_, "message"),
               static_cast<double>(messages_) / took.count(), reason.empty() ? "" : "  ",
               plain_line(reason));
    std::fflush(stderr);
}

}  // namespace myq
