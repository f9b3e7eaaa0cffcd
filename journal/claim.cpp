#include "journal/journal_impl.hpp"
#include "journal/reply_column.hpp"
#include "journal/runs.hpp"
#include "journal/schema.hpp"

#include <algorithm>
#include <limits>
#include <vector>

// Which messages are due, and for whom.
namespace myq {

namespace {

// Bodies that one claim copies: fewer messages than asked for are taken when they are long ones.
constexpr std::size_t most_bytes = std::size_t{4} << 20U;

// Messages on their way from the rows to whoever takes them, because what that one may do with the
// journal must not meet a row that is still being read.
class Claimed {
public:
    bool is_full(std::size_t limit) const {
        return messages_.size() >= limit || bodies_.size() >= most_bytes;
    }
    void add(const Statement::Rows& row) {
        Entry& entry = messages_.emplace_back();
        entry.message.row = row.integer(0);
        rows_.push_back(entry.message.row);
        entry.message.type = row.integer(1);
        entry.message.attempts = static_cast<std::uint32_t>(row.integer(2));
        const auto id = row.blob(3);
        std::copy_n(id.begin(), std::min(id.size(), entry.message.id.bytes.size()),
                    entry.message.id.bytes.begin());
        entry.message.expires_ms = row.maybe_integer(4);
        entry.message.size = static_cast<std::uint64_t>(row.integer(6));
        const auto body = row.blob(7);
        entry.begin = bodies_.size();
        entry.size = body.size();
        bodies_.insert(bodies_.end(), body.begin(), body.end());
        entry.message.reply = from_column(row.blob(8));
    }
    template <typename Visit>
    void each(const Visit& visit) {
        for (Entry& entry : messages_) {
            entry.message.body = std::span(bodies_).subspan(entry.begin, entry.size);
            visit(entry.message);
        }
    }
    std::span<const std::int64_t> rows() const { return rows_; }
    std::size_t size() const { return messages_.size(); }

private:
    struct Entry {
        DueMessage message;
        std::size_t begin = 0, size = 0;
    };
    std::vector<Entry> messages_;
    std::vector<std::int64_t> rows_;
    std::vector<std::byte> bodies_;
};

// What is due at once has waited since it was accepted, the rest since it was due: whichever has
// waited longest comes first, so that neither keeps the other from its turn.
void collect(Statement::Rows at_once, Statement::Rows timed, std::size_t limit, Claimed& claimed) {
    constexpr int since = 5;
    bool more_at_once = at_once.next();
    bool more_timed = timed.next();
    while ((more_at_once || more_timed) && !claimed.is_full(limit)) {
        const bool take_timed =
            more_timed && (!more_at_once || timed.integer(since) < at_once.integer(since));
        Statement::Rows& rows = take_timed ? timed : at_once;
        claimed.add(rows);
        (take_timed ? more_timed : more_at_once) = rows.next();
    }
}

// The three forms that are not `any`, told apart from msgrcv's way to say them.
bool is_except(const Selector& types) {
    return types.flags() != 0;
}
bool is_only(const Selector& types) {
    return types.flags() == 0 && types.msgtyp() > 0;
}
bool is_up_to(const Selector& types) {
    return types.msgtyp() < 0;
}

std::optional<std::int64_t> first(Statement::Rows rows) {
    if (!rows.next()) return std::nullopt;
    return rows.integer(0);
}

}  // namespace

struct Journal::Impl::Claim {
    std::int64_t queue;
    std::int64_t owner;
    std::int64_t now_ms;
    std::size_t limit;
};

std::size_t Journal::Impl::claim(DueStatements& statements, std::optional<std::int64_t> type,
                                 const Claim& claim, const Take& take) {
    const auto limit = static_cast<std::int64_t>(claim.limit);
    Claimed claimed;
    collect(statements.at_once.with(claim.queue, limit, claim.now_ms, type),
            statements.timed.with(claim.queue, limit, claim.now_ms, type), claim.limit, claimed);
    each_run(claimed.rows(), [&](std::int64_t first_row, std::int64_t last_row) {
        sql.take.run(first_row, last_row, claim.owner);
    });
    claimed.each(take);
    return claimed.size();
}

std::size_t Journal::Impl::claim_up_to(std::int64_t type, Claim claim, const Take& take) {
    std::size_t claimed = 0;
    std::int64_t last = 0;
    while (claim.limit > 0) {
        const auto next = first(sql.next_type.with(claim.queue, last, type));
        if (!next) break;
        const std::size_t of_type = this->claim(sql.only, next, claim, take);
        claimed += of_type;
        claim.limit -= of_type;
        last = *next;
    }
    return claimed;
}

std::size_t Journal::claim(std::int64_t queue, const Selector& types, std::uint64_t owner,
                           std::int64_t now_ms, std::size_t limit,
                           const std::function<void(const DueMessage&)>& take) {
    impl_->require_transaction("claim");
    const auto most = std::min<std::size_t>(limit, std::numeric_limits<std::int64_t>::max());
    const Impl::Claim claim{queue, static_cast<std::int64_t>(owner), now_ms, most};
    if (is_except(types)) return impl_->claim(impl_->sql.except, types.msgtyp(), claim, take);
    if (types == Selector::any()) return impl_->claim(impl_->sql.except, {}, claim, take);
    if (!first(impl_->sql.type_index_there.rows())) make_type_index(*impl_->database);
    if (is_only(types)) return impl_->claim(impl_->sql.only, types.msgtyp(), claim, take);
    return impl_->claim_up_to(-types.msgtyp(), claim, take);
}

std::optional<std::int64_t> Journal::next_due(std::string_view queue, const Selector& types) {
    const auto number = impl_->find_queue(queue);
    if (!number) return std::nullopt;
    Statements& sql = impl_->sql;
    if (is_only(types)) return first(sql.only.next.with(*number, types.msgtyp()));
    if (!is_up_to(types)) {
        std::optional<std::int64_t> but;
        if (is_except(types)) but = types.msgtyp();
        return first(sql.except.next.with(*number, but));
    }
    if (!first(sql.type_index_there.rows())) {
        return first(sql.up_to.next.with(*number, -types.msgtyp()));
    }
    std::optional<std::int64_t> earliest;
    std::optional<std::int64_t> type = first(sql.next_type.with(*number, 0, -types.msgtyp()));
    while (type) {
        const auto due = first(sql.only.next.with(*number, *type));
        if (due && (!earliest || *due < *earliest)) earliest = due;
        type = first(sql.next_type.with(*number, *type, -types.msgtyp()));
    }
    return earliest;
}

}  // namespace myq
