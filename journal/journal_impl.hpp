#pragma once

#include "journal/counts.hpp"
#include "journal/journal.hpp"
#include "journal/room.hpp"
#include "journal/sqlite.hpp"
#include "journal/statements.hpp"
#include "journal/write_lock.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the source files of the journal share.
namespace myq {

struct Journal::Impl {
    Impl(const std::filesystem::path& directory, const JournalLimits& most, bool create);

    void set_survives(Survives wanted);      // outside a transaction
    void shorten_log();                      // outside one, under the lock
    void empty_log_if_due() const noexcept;  // likewise
    Room measure();                          // inside one
    Held held(std::int64_t queue, RowFor purpose, std::uint64_t used);
    Held count(std::int64_t queue, RowFor purpose, std::uint64_t used);

    // What every function that is for use inside transact() begins with.
    void require_transaction(const char* function) const;

    std::optional<std::int64_t> find_queue(std::string_view queue);
    std::vector<std::int64_t> queues_of(const JournalFilter& filter);  // their numbers
    std::int64_t new_row();
    struct Running {
        std::int64_t queue, type;
        CountKind kind;
    };
    std::optional<Running> running(std::int64_t row);
    void add_history(std::int64_t row, std::span<const Attempt> history);

    using Take = std::function<void(const DueMessage&)>;
    struct Claim;  // who claims what, and how many
    std::size_t claim(DueStatements& statements, std::optional<std::int64_t> type,
                      const Claim& claim, const Take& take);
    std::size_t claim_up_to(std::int64_t type, Claim claim, const Take& take);

    std::filesystem::path file;
    JournalLimits limits;
    WriteLock lock;
    std::string mended;
    std::unique_ptr<Database> database;
    Statements sql;

    pid_t process;                     // a connection that is used across a fork() ruins the file
    std::optional<Survives> survives;  // what `synchronous` is set to

    // Of the transaction that runs.
    class Transaction;
    bool inside = false;
    std::int64_t now_ms = 0;
    std::optional<std::int64_t> next_row;
    std::optional<Room> room;  // as it was when first asked for, and what was admitted since
    CountChanges counts;

    // What queues have, by their numbers, as it was counted last: see admit.cpp.
    struct Counted {
        std::uint64_t bytes = 0;
        bool is_exact = true;
        std::uint64_t used = 0;  // of the file, then
        std::chrono::steady_clock::time_point good_until;
    };
    std::map<std::pair<std::int64_t, RowFor>, Counted> counted;
    bool is_log_long = false;
};

// BEGIN to COMMIT, or to ROLLBACK if nobody called commit().
class Journal::Impl::Transaction {
public:
    explicit Transaction(Impl& journal);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

private:
    Impl& journal_;
};

}  // namespace myq
