#pragma once

#include <cstdint>
#include <string>

namespace myq {

// Keeps a flood of the same out of the log: so many lines a second, then silence, and with the next
// line that gets through the number of those that did not.
class LogPace {
public:
    // Whether a line may be written now.
    bool allows(std::int64_t now_ns);
    // How many were held back before the line that was just allowed.
    std::uint64_t held_back() const { return reported_; }
    // The same for the end of that line: " (3 more like this)", or "".
    std::string held_back_text() const;

private:
    static constexpr int lines_a_second = 20;

    std::int64_t second_began_ns_ = 0;
    int lines_ = 0;
    std::uint64_t held_ = 0, reported_ = 0;
};

}  // namespace myq
