#include "client/confirm_window.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>

namespace myq {

namespace {

constexpr std::size_t runs_shown = 5;

}  // namespace

void ConfirmWindow::settle(const ConfirmRun& run,
                           const std::function<void(std::uint64_t, const MessageId&)>& settled) {
    constexpr std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t end = run.first > highest - run.count ? highest : run.first + run.count;
    auto at = in_flight_.lower_bound(run.first);
    while (at != in_flight_.end() && at->first < end) {
        if (run.status == ConfirmStatus::accepted) {
            ++accepted_;
        } else {
            refused_.emplace(at->first, run.status);
        }
        const auto [sequence, id] = *at;
        at = in_flight_.erase(at);
        settled(sequence, id);
    }
}

std::vector<ConfirmWindow::Refused> ConfirmWindow::refused() const {
    std::vector<Refused> runs;
    for (const auto& [sequence, status] : refused_) {
        if (!runs.empty() && runs.back().last + 1 == sequence && runs.back().status == status) {
            runs.back().last = sequence;
        } else {
            runs.push_back({sequence, sequence, status});
        }
    }
    return runs;
}

std::string numbers_of(const std::vector<ConfirmWindow::Refused>& runs, ConfirmStatus status) {
    std::vector<std::string> shown;
    std::uint64_t left_out = 0;
    for (const auto& run : runs) {
        if (run.status != status) continue;
        if (shown.size() == runs_shown) {
            left_out += run.last - run.first + 1;
        } else if (run.first == run.last) {
            shown.push_back(std::to_string(run.first));
        } else {
            shown.push_back(fmt::format("{} to {}", run.first, run.last));
        }
    }
    const std::string text = fmt::format("{}", fmt::join(shown, ", "));
    return left_out == 0 ? text : fmt::format("{} and {} more", text, left_out);
}

}  // namespace myq
