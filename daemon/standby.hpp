#pragma once

#include "daemon/generation.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace myq {

// Watches over the workers on demand of one generation: which is wanted now, and when to ask again.
class Standby {
public:
    // `members` must outlive the object.
    explicit Standby(const std::vector<OnDemand>& members);

    // Those that are wanted now, among the ones that do not run (`runs` says).
    std::vector<std::shared_ptr<const WorkerSpec>>
    wanted(const std::function<bool(const WorkerSpec&)>& runs);

    // When to call wanted() again, if no descriptor speaks before.
    Clock::time_point next_look() const { return next_look_; }
    std::vector<int> fds() const;

    // One of them ended: out of turn it may have left work behind. The next one comes after the
    // pause that this returns; see RespawnPace.
    std::chrono::milliseconds ended(const WorkerSpec& spec, bool in_order, Life life);

private:
    struct Member {
        const OnDemand* what;
        Clock::time_point not_before{};
        RespawnPace pace = {};
    };

    std::vector<Member> members_;
    Clock::time_point next_look_ = Clock::time_point::max();
};

}  // namespace myq
