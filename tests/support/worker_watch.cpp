#include "tests/support/worker_watch.hpp"

#include "daemon/slot_header.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace myq::test {

namespace {

struct Hand {
    bool has_something = false;
    std::uint64_t settled = 0;
};

std::optional<Hand> look_into(const Fd& slot) {
    SlotHeader header{};
    std::int64_t type = 0;
    if (::pread(slot.value(), &header, sizeof header, 0) != sizeof header ||
        ::pread(slot.value(), &type, sizeof type, slot_header_size) != sizeof type)
        return std::nullopt;
    return Hand{type != 0 || header.claims_held != 0 || header.handful.open != 0, header.messages};
}

// "/dev/shm/.../jobs.0", or "jobs+0" for an intake.
bool is_slot_of_the_queue(const std::string& path) {
    const std::string name = path.substr(path.rfind('/') + 1);
    return name.starts_with("jobs.") || name.starts_with("jobs+");
}

}  // namespace

// Without a slot: it has not come so far, or is no worker.
WorkerWatch::Worker WorkerWatch::find(pid_t pid) {
    std::ifstream maps(fmt::format("/proc/{}/maps", pid));
    for (std::string line; std::getline(maps, line);) {
        const auto at = line.find('/');
        if (at == std::string::npos || !is_slot_of_the_queue(line)) continue;
        Worker worker{Fd{::open(line.c_str() + at, O_RDONLY | O_CLOEXEC)}};
        if (!worker.slot) continue;
        if (const auto hand = look_into(worker.slot)) worker.settled_before = hand->settled;
        return worker;
    }
    return {};
}

pid_t WorkerWatch::look_at_one(std::mt19937& random, bool must_be_busy) {
    const std::vector<pid_t> workers = daemon_.workers();
    std::erase_if(known_, [&](const auto& one) {
        return std::find(workers.begin(), workers.end(), one.first) == workers.end();
    });
    if (workers.empty()) return 0;
    const pid_t pid = workers[random() % workers.size()];
    auto known = known_.find(pid);
    if (known == known_.end()) {
        Worker worker = find(pid);
        if (!worker.slot) return 0;
        worker.may_be_new = random() % 8 == 0;
        known = known_.emplace(pid, std::move(worker)).first;
    }
    const Worker& worker = known->second;
    const auto hand = look_into(worker.slot);
    if (!hand || (must_be_busy && !hand->has_something)) return 0;
    return worker.may_be_new || hand->settled != worker.settled_before ? pid : 0;
}

}  // namespace myq::test
