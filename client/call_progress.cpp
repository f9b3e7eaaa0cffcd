#include "client/call_progress.hpp"

#include "client/progress.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>

namespace myq {

CallProgress::CallProgress() : is_shown_(isatty(STDERR_FILENO) == 1) {}

void CallProgress::show(const Reply& news) {
    if (!is_shown_) return;
    clear();
    drawn_ = true;
    fmt::print(stderr, "{}", progress_line(news));
    std::fflush(stderr);
}

void CallProgress::clear() {
    if (!drawn_) return;
    drawn_ = false;
    fmt::print(stderr, "{}", erase_line);
    std::fflush(stderr);
}

std::string progress_line(const Reply& news) {
    constexpr std::size_t most = 48;
    const std::string text = printable(news.text).substr(0, most);
    if (news.status == Reply::Status::retrying) {
        return fmt::format("attempt {} failed, it will be tried again: {}", news.first, text);
    }
    if (news.second > 0) return progress_bar(news.first, news.second) + text;
    return news.first > 0 ? fmt::format("{} done  {}", news.first, text) : text;
}

}  // namespace myq
