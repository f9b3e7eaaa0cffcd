#include "daemon/confirmations.hpp"

#include <algorithm>
#include <span>

namespace myq {

namespace {

// A reply queue has the kernel's default capacity, and a message there at most msgmax bytes.
constexpr std::size_t most_runs = 64;

}  // namespace

void Confirmations::add(const ConfirmAddress& asker, ConfirmStatus status) {
    auto found = std::find_if(askers_.begin(), askers_.end(), [&](const Asker& known) {
        return known.queue_id == asker.queue_id && known.token == asker.token;
    });
    if (found == askers_.end()) {
        found = askers_.insert(askers_.end(), {asker.queue_id, asker.token, {}});
    }
    auto& runs = found->runs;
    const bool continues = !runs.empty() && runs.back().status == status &&
                           runs.back().first + runs.back().count == asker.sequence;
    if (continues) {
        ++runs.back().count;
    } else {
        runs.push_back({asker.sequence, 1, status});
    }
}

void Confirmations::send() {
    for (const Asker& asker : askers_) {
        for (std::span<const ConfirmRun> rest(asker.runs); !rest.empty();) {
            const auto part = rest.first(std::min(rest.size(), most_runs));
            sender_.send(asker.queue_id, asker.token, encode_confirm(part));
            rest = rest.subspan(part.size());
        }
    }
    if (!askers_.empty()) sweep_.now_and_then();
    askers_.clear();
}

}  // namespace myq
