#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace myq {

// Written to a terminal, it takes the line away that the cursor is on.
constexpr std::string_view erase_line = "\r\x1b[K";

// "[######------------------]  25 %  "
std::string progress_bar(std::uint64_t done, std::uint64_t total);

// How far a long send has come: one line on standard error, only if that is a terminal and only
// from the second second on.
class Progress {
public:
    // `total` is the size of the input in bytes, if known; then there is a bar. `verb` says what is
    // done with messages: "sent".
    Progress(std::optional<std::uint64_t> total, const char* verb);
    ~Progress();  // leaves a summary in place of the bar
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // So many messages are done and so many bytes of the input are read.
    void advance(std::uint64_t messages, std::uint64_t bytes);

    // Still at the same message, because of `reason`.
    void wait(std::string_view reason);

private:
    void draw(std::string_view reason);

    using Clock = std::chrono::steady_clock;

    bool is_shown_;
    std::optional<std::uint64_t> total_;
    const char* verb_;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    Clock::time_point start_ = Clock::now();
    Clock::time_point next_ = start_ + std::chrono::seconds{1};
    bool drawn_ = false;
};

}  // namespace myq
