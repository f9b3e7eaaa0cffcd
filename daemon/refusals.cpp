#include "daemon/refusals.hpp"

#include "daemon/unix/clock.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace myq {

void Refusals::refused(std::int64_t type, std::uint64_t size, const std::string& why) {
    if (!pace_.allows(monotonic_ns())) return;
    is_said_ = true;
    spdlog::warn("queue {}: message of type {}, {} bytes, is refused: {}{}", queue_, type, size,
                 why, pace_.held_back_text());
}

void Refusals::taken() {
    if (std::exchange(is_said_, false)) spdlog::info("journal: works again");
}

}  // namespace myq
