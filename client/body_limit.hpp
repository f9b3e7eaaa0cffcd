#pragma once

#include "client/failure.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace myq {

// How long a body may be: what fits into a kernel message, less what an envelope takes of it; and
// beyond that, what may go through shared memory.
class BodyLimit {
public:
    // `overhead` is 0 for a body without an envelope. `max_body` is for a queue whose reader takes
    // bodies out of shared memory too.
    BodyLimit(std::size_t largest_message, std::size_t overhead,
              std::optional<std::uint64_t> max_body = std::nullopt);

    std::size_t bytes() const { return fits_blob(fitting_) ? *max_body_ : fitting_; }

    bool fits_message(std::size_t size) const { return size <= fitting_; }
    bool fits_blob(std::size_t size) const { return max_body_ && size <= *max_body_; }

    // For a body that is longer; `what` names it, such as "standard input, line 3".
    Failure exceeded_by(const std::string& what) const;

private:
    std::size_t fitting_;
    std::size_t overhead_;
    std::optional<std::uint64_t> max_body_;
};

}  // namespace myq
