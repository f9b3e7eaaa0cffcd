#include "daemon/hygiene.hpp"

#include "daemon/logging.hpp"
#include "daemon/unix/signals.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <time.h>

namespace myq {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// What a handler may keep open for itself: connections, files.
constexpr std::size_t allowance = 64;

}  // namespace

void Hygiene::clean(const char* plugin, std::int64_t now) {
    cleaned_ns_ = now;
    check_standard_descriptors(plugin);
    if (most_time_) check_processor_time();
    const std::string changed = state_.restore();
    if (!changed.empty() && said_.insert(plugin + changed).second) {
        spdlog::warn("plugin {} changes the worker's {}; it is put back after its messages", plugin,
                     changed);
    }
    if (now - counted_ns_ >= second_ns) count_descriptors(plugin, now);
}

void Hygiene::check_standard_descriptors(const char* plugin) {
    if (stop_requested() || state_.has_standard_descriptors()) return;
    reopen_log();  // or nobody would hear it; behind a fence nobody does
    spdlog::error("plugin {} has closed standard descriptors of its worker, which leaves", plugin);
    ask_self_to_leave();
}

void Hygiene::check_processor_time() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    const auto time = std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
    if (time >= *most_time_) ask_self_to_leave();
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
