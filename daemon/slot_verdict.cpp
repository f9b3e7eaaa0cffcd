#include "daemon/ordered_store.hpp"
#include "daemon/slot.hpp"

#include <algorithm>

// The part of Slot by which a worker behind a fence and its successor, who may write the journal,
// understand each other.
namespace myq {

void Slot::leave_verdict(SlotVerdict::Kind kind, std::int64_t due_ms, bool has_autopsy,
                         std::string_view reason) {
    SlotVerdict& verdict = header_->verdict;
    verdict.due_ms = due_ms;
    verdict.has_autopsy = has_autopsy ? 1 : 0;
    verdict.reason_size =
        static_cast<std::uint32_t>(reason.copy(verdict.reason.data(), verdict.reason.size()));
    verdict.kind = kind;
    store(verdict.sequence, header_->sequence);
}

std::optional<SlotVerdict> Slot::verdict() const {
    SlotVerdict verdict = header_->verdict;
    const bool is_one = occupied() && verdict.sequence == header_->sequence &&
                        verdict.kind != SlotVerdict::Kind::none &&
                        verdict.kind <= SlotVerdict::Kind::rejected;
    if (!is_one) return std::nullopt;
    verdict.reason_size =
        std::min(verdict.reason_size, static_cast<std::uint32_t>(verdict.reason.size()));
    return verdict;
}

void Slot::believe_rows(std::span<const std::int64_t> rows) {
    const auto is_ours = [&](std::int64_t row) {
        return std::find(rows.begin(), rows.end(), row) != rows.end();
    };
    std::uint32_t kept = 0;
    for (const std::int64_t row : done_rows()) {
        if (is_ours(row)) header_->done_rows[kept++] = row;
    }
    store(header_->done_count, kept);
    if (header_->row != 0 && !is_ours(header_->row)) {
        header_->row = 0;
        header_->large_size = 0;
    }
    for (const Handful::Message& message : handful_.messages()) {
        if (!is_ours(message.head->row)) message.head->row = 0;
    }
}

}  // namespace myq
