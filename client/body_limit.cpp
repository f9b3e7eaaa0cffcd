#include "client/body_limit.hpp"

#include <fmt/format.h>

namespace myq {

BodyLimit::BodyLimit(std::size_t largest_message, std::size_t overhead)
    : bytes_(largest_message > overhead ? largest_message - overhead : 0),
      overhead_(overhead) {}

Failure BodyLimit::exceeded_by(const std::string& what) const {
    const std::string limit =
        overhead_ == 0 ? fmt::format("kernel.msgmax, {} bytes", bytes_)
                       : fmt::format("{} bytes, which is kernel.msgmax less the {} of its envelope",
                                     bytes_, overhead_);
    return {ExitCode::data, fmt::format("{}: longer than {}: send less at once, or raise it: "
                                        "sysctl -w kernel.msgmax=N",
                                        what, limit)};
}

}  // namespace myq
