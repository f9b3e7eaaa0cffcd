#include "daemon/standby.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace myq {

namespace {

// An eventfd, which says only that something was said.
void mute(int fd) {
    std::uint64_t count = 0;
    if (fd >= 0) [[maybe_unused]]
        const ssize_t ignored = ::read(fd, &count, sizeof count);
}

}  // namespace

Standby::Standby(const std::vector<OnDemand>& members) {
    for (const OnDemand& member : members)
        members_.push_back({&member});
}

std::vector<std::shared_ptr<const WorkerSpec>>
Standby::wanted(const std::function<bool(const WorkerSpec&)>& runs) {
    std::vector<std::shared_ptr<const WorkerSpec>> specs;
    const Clock::time_point now = Clock::now();
    next_look_ = Clock::time_point::max();
    for (Member& member : members_) {
        mute(member.what->fd);
        if (runs(*member.what->spec)) continue;
        if (now < member.not_before) {
            next_look_ = std::min(next_look_, member.not_before);
            continue;
        }
        const OnDemand::Answer answer = member.what->ask();
        if (answer.is_wanted) specs.push_back(member.what->spec);
        if (answer.ask_again) next_look_ = std::min(next_look_, now + *answer.ask_again);
    }
    return specs;
}

std::vector<int> Standby::fds() const {
    std::vector<int> fds;
    for (const Member& member : members_) {
        if (member.what->fd >= 0) fds.push_back(member.what->fd);
    }
    return fds;
}

std::chrono::milliseconds Standby::ended(const WorkerSpec& spec, bool in_order, Life life) {
    for (Member& member : members_) {
        if (member.what->spec.get() != &spec) continue;
        const std::chrono::milliseconds pause = member.pace.after(life);
        member.not_before = Clock::now() + pause;
        if (!in_order && member.what->look_again) member.what->look_again();
        return pause;
    }
    return std::chrono::milliseconds{0};
}

}  // namespace myq
