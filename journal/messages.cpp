#include "journal/journal_impl.hpp"
#include "journal/reply_column.hpp"
#include "journal/runs.hpp"
#include "journal/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

// What becomes of single messages, inside a transaction.
namespace myq {

namespace {

// As long as every other owner's number, see schema.cpp.
constexpr std::int64_t nobody = std::numeric_limits<std::int64_t>::min();

std::optional<std::span<const std::byte>> id_or_null(const MessageId& id) {
    if (!id.is_set()) return std::nullopt;
    return std::span(id.bytes);
}

std::optional<std::span<const std::byte>> key_or_null(std::string_view key) {
    if (key.empty()) return std::nullopt;
    return std::as_bytes(std::span(key));
}

std::optional<std::string_view> text_or_null(std::string_view text) {
    if (text.empty()) return std::nullopt;
    return text;
}

}  // namespace

std::optional<std::int64_t> Journal::Impl::find_queue(std::string_view queue) {
    auto rows = sql.queue_find.with(queue);
    if (!rows.next()) return std::nullopt;
    return rows.integer(0);
}

std::int64_t Journal::Impl::new_row() {
    if (!next_row) {
        auto rows = sql.next_row.rows();
        if (!rows.next()) {
            throw JournalError(
                JournalError::Kind::corrupt,
                fmt::format("{}: is damaged: the next row is missing", file.string()));
        }
        next_row = rows.integer(0);
    }
    return *next_row;
}

void Journal::Impl::add_history(std::int64_t row, std::span<const Attempt> history) {
    for (const Attempt& attempt : history) {
        sql.history_add.run(row, std::int64_t{attempt.number}, attempt.at_ms,
                            std::string_view(attempt.cause));
    }
}

std::int64_t Journal::queue_number(std::string_view queue) {
    impl_->require_transaction("queue_number");
    if (const auto number = impl_->find_queue(queue)) return *number;
    impl_->sql.queue_add.run(queue);
    return impl_->find_queue(queue).value();
}

// Of a repeated write nobody knows whether it was flushed: whoever made it may have been killed
// before that. For the COMMIT to flush the log something must be written: a row number is skipped.
bool Journal::is_repeated(const SlotTicket& ticket) {
    impl_->require_transaction("is_repeated");
    const bool is_new = impl_->sql.ticket.run(static_cast<std::int64_t>(ticket.slot),
                                              static_cast<std::int64_t>(ticket.sequence)) != 0;
    if (!is_new) impl_->next_row = impl_->new_row() + 1;
    return !is_new;
}

bool Journal::is_recorded(const SlotTicket& ticket) {
    auto rows = impl_->sql.ticket_find.with(static_cast<std::int64_t>(ticket.slot));
    return rows.next() && rows.integer(0) >= static_cast<std::int64_t>(ticket.sequence);
}

Inserted Journal::insert(std::int64_t queue, const NewMessage& message) {
    impl_->require_transaction("insert");
    const std::int64_t row = impl_->new_row();
    const RowState state = message.dead ? RowState::dead : RowState::waiting;
    std::optional<std::int64_t> died;
    std::optional<std::string_view> reason;
    if (message.dead) {
        died = impl_->now_ms;
        reason = message.reason;
    }
    ReplyColumn column{};
    std::optional<std::span<const std::byte>> reply;
    if (message.reply) {
        column = to_column(*message.reply);
        reply = column;
    }
    const std::int64_t inserted =
        impl_->sql.insert.run(row, queue, message.type, static_cast<std::int64_t>(state),
                              std::max<std::int64_t>(message.due_ms, 0), impl_->now_ms,
                              message.expires_ms, std::int64_t{message.attempts}, nobody,
                              id_or_null(message.id), key_or_null(message.unique_key), died, reason,
                              message.body, reply, text_or_null(message.autopsy));
    if (inserted == 0) return Inserted::duplicate;
    impl_->next_row = row + 1;
    impl_->counts.add(
        queue, message.type,
        message.dead ? CountKind::dead : living(std::max<std::int64_t>(message.due_ms, 0)), 1);
    impl_->add_history(row, message.history);
    return Inserted::yes;
}

std::optional<Journal::Impl::Running> Journal::Impl::running(std::int64_t row) {
    auto rows = sql.running.with(row, row);
    if (!rows.next()) return std::nullopt;
    return Running{rows.integer(0), rows.integer(1), living(rows.integer(2))};
}

std::vector<std::int64_t> Journal::claimed(std::uint64_t owner) {
    impl_->require_transaction("claimed");
    std::vector<std::int64_t> claimed;
    auto rows = impl_->sql.claims_of.with(static_cast<std::int64_t>(owner));
    while (rows.next())
        claimed.push_back(rows.integer(0));
    return claimed;
}

void Journal::finish(std::span<const std::int64_t> rows) {
    impl_->require_transaction("finish");
    each_run(rows, [&](std::int64_t first, std::int64_t last) {
        // RETURNING would cost several times what it costs to look first.
        for (auto row = impl_->sql.running.with(first, last); row.next();)
            impl_->counts.add(row.integer(0), row.integer(1), living(row.integer(2)), -1);
        if (impl_->sql.finish.run(first, last) > 0) impl_->sql.history_forget.run(first, last);
    });
}

void Journal::release(std::int64_t row) {
    impl_->require_transaction("release");
    impl_->sql.release.run(row);
}

void Journal::defer(std::int64_t row, std::uint32_t attempts, std::int64_t due_ms,
                    std::span<const Attempt> history, std::string_view autopsy) {
    impl_->require_transaction("defer");
    const std::int64_t due = std::max<std::int64_t>(due_ms, 0);
    const auto was = impl_->running(row);
    if (!was) return;
    impl_->sql.defer.run(row, std::int64_t{attempts}, due, text_or_null(autopsy));
    impl_->counts.move(was->queue, was->type, was->kind, living(due));
    impl_->add_history(row, history);
}

void Journal::bury(std::int64_t row, std::uint32_t attempts, std::string_view reason,
                   std::span<const Attempt> history, std::string_view autopsy) {
    impl_->require_transaction("bury");
    const auto was = impl_->running(row);
    if (!was) return;
    impl_->sql.bury.run(row, std::int64_t{attempts}, impl_->now_ms, reason, text_or_null(autopsy));
    impl_->counts.move(was->queue, was->type, was->kind, CountKind::dead);
    impl_->add_history(row, history);
}

std::size_t Journal::release_unowned(const std::set<std::uint64_t>& owners) {
    impl_->require_transaction("release_unowned");
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> slots;
    for (auto claim = impl_->sql.claims.rows(); claim.next();) {
        const auto owner = static_cast<std::uint64_t>(claim.integer(1));
        if (!owners.contains(owner)) rows.push_back(claim.integer(0));
    }
    for (auto ticket = impl_->sql.tickets.rows(); ticket.next();) {
        const auto slot = static_cast<std::uint64_t>(ticket.integer(0));
        if (!owners.contains(slot)) slots.push_back(ticket.integer(0));
    }
    for (const std::int64_t row : rows)
        impl_->sql.release.run(row);
    for (const std::int64_t slot : slots)
        impl_->sql.ticket_forget.run(slot);
    return rows.size();
}

}  // namespace myq
