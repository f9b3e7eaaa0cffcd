#include "client/body_limit.hpp"

#include "config/size.hpp"

#include <fmt/format.h>

namespace myq {

BodyLimit::BodyLimit(std::size_t largest_message, std::size_t overhead,
                     std::optional<std::uint64_t> max_body)
    : fitting_(largest_message > overhead ? largest_message - overhead : 0),
      overhead_(overhead),
      max_body_(max_body) {}

Failure BodyLimit::exceeded_by(const std::string& what) const {
    if (max_body_ && *max_body_ > fitting_) {
        return {ExitCode::data,
                fmt::format("{}: longer than {}, the longest body of this queue: send less at "
                            "once, or raise max_body in the configuration",
                            what, size_text(*max_body_))};
    }
    const std::string limit =
        overhead_ == 0 ? fmt::format("kernel.msgmax, {} bytes", fitting_)
                       : fmt::format("{} bytes, which is kernel.msgmax less the {} of its envelope",
                                     fitting_, overhead_);
    const char* advice = max_body_ ? "raise max_body in the configuration"
                                   : "if a myqd reads this queue, use --blob";
    return {ExitCode::data, fmt::format("{}: longer than {}: send less at once, or raise it: "
                                        "sysctl -w kernel.msgmax=N, or {}",
                                        what, limit, advice)};
}

}  // namespace myq
