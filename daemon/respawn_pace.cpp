#include "daemon/respawn_pace.hpp"

#include <algorithm>

namespace myq {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_kill_pause{50};
constexpr milliseconds longest_kill_pause{5'000};
constexpr milliseconds first_stillborn_pause{1'000};
constexpr milliseconds longest_stillborn_pause{60'000};

}  // namespace

milliseconds RespawnPace::after(Life life) {
    switch (life) {
    case Life::useful:
        *this = {};
        break;
    case Life::killed:
        if (!was_killed_) {
            was_killed_ = true;
            break;
        }
        return kill_pause_ = std::clamp(kill_pause_ * 2, first_kill_pause, longest_kill_pause);
    case Life::stillborn:
        return stillborn_pause_ =
                   std::clamp(stillborn_pause_ * 2, first_stillborn_pause, longest_stillborn_pause);
    }
    return milliseconds{0};
}

}  // namespace myq
