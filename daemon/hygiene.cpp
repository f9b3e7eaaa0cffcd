#include "daemon/hygiene.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace myq {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// What a handler may keep open for itself: connections, files.
constexpr std::size_t allowance = 64;

}  // namespace

void Hygiene::clean(const char* plugin, std::int64_t now) {
    cleaned_ns_ = now;
    const std::string changed = state_.restore();
    if (!changed.empty() && said_.insert(plugin + changed).second) {
        spdlog::warn("plugin {} changes the worker's {}; it is put back after its messages", plugin,
                     changed);
    }
    if (now - counted_ns_ >= second_ns) count_descriptors(plugin, now);
}

void Hygiene::count_descriptors(const char* plugin, std::int64_t now) {
    counted_ns_ = now;
    const std::size_t count = open_descriptors();
    if (usual_descriptors_ == 0) {
        usual_descriptors_ = count;
        warned_at_ = count + allowance;
    }
    if (count <= warned_at_) return;
    spdlog::warn("{} descriptors are open in this worker, {} when it began: a plugin leaks them, "
                 "perhaps {}; see recycle: in myq.yaml(5)",
                 count, usual_descriptors_, plugin);
    warned_at_ = 2 * count;
}

}  // namespace myq
