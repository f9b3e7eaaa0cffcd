#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace myq {

// The exception for a system call that just failed: "what: strerror(errno)".
inline std::system_error failure(const std::string& what) {
    return {errno, std::generic_category(), what};
}

}  // namespace myq
