#pragma once

#include <cstddef>
#include <cstdint>

namespace myq {

// How much the handlers of one worker may write into the log: whoever sends messages decides how
// often they speak. So much at once, so much a second in the long run; what is more is left out,
// and counted.
class LogBudget {
public:
    static constexpr std::size_t at_once = std::size_t{2} << 20U;    // bytes
    static constexpr std::size_t a_second = std::size_t{32} << 10U;  // bytes
    static constexpr std::size_t longest_line = std::size_t{128} << 10U;

    // Whether a line of `size` bytes may be written now; else it counts as left out.
    bool allows(std::size_t size, std::int64_t now_ns);

    struct LeftOut {
        std::uint64_t lines = 0, bytes = 0;
    };
    const LeftOut& left_out() const { return left_out_; }
    // It was told.
    void forget_left_out() { left_out_ = {}; }

private:
    std::size_t left_ = at_once;
    std::int64_t filled_ns_ = 0;
    LeftOut left_out_;
};

}  // namespace myq
