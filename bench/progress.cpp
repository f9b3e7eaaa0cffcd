#include "bench/progress.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>

namespace myq::bench {

void show_progress(const std::string& text) {
    if (::isatty(STDERR_FILENO) == 0) return;
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
}

}  // namespace myq::bench
