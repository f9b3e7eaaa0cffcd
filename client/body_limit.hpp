#pragma once

#include "client/failure.hpp"

#include <cstddef>
#include <string>

namespace myq {

// How long a body may be: kernel.msgmax, less what an envelope takes of it.
class BodyLimit {
public:
    // `overhead` is 0 for a body without an envelope.
    BodyLimit(std::size_t largest_message, std::size_t overhead);

    std::size_t bytes() const { return bytes_; }

    // For a body that is longer; `what` names it, such as "standard input, line 3".
    Failure exceeded_by(const std::string& what) const;

private:
    std::size_t bytes_;
    std::size_t overhead_;
};

}  // namespace myq
