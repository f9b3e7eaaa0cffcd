#pragma once

#include "ipc/envelope.hpp"
#include "ipc/message_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// What must outlive a process or the machine: messages that are delayed, tried again later, dead,
// or journaled from the start. One SQLite file in WAL mode, which several processes use at once;
// every one opens it itself, after its fork. Times are milliseconds since the epoch.
namespace myq {

// Something that the journal could not do. what() names the file and says why and what to do.
class JournalError : public std::runtime_error {
public:
    enum class Kind {
        full,     // max_size, min_free, or the disk: goes on when there is room
        io,       // the file cannot be read or written: this connection must not be used any more
        corrupt,  // the file is no journal, or damaged
        denied,   // no permission
        missing,  // no such file
        other,
    };
    JournalError(Kind kind, const std::string& sentence)
        : std::runtime_error(sentence),
          kind_(kind) {}
    Kind kind() const { return kind_; }

private:
    Kind kind_;
};

struct JournalLimits {
    std::uint64_t max_size = std::uint64_t{1} << 30U;  // bytes of the file; what is more is refused
    std::uint64_t min_free = std::uint64_t{64} << 20U;  // bytes that new messages leave on the disk
};

// What a new row is for, which says how much of the journal its queue may take for it: see
// journal/room.hpp.
enum class RowFor {
    work,   // is worked off as fast as its handlers are
    later,  // its sender has put it off
    keeps,  // did not end well: it is tried again later, or dead
};

// What a COMMIT survives: the end of processes (synchronous=NORMAL), or a power cut too (FULL).
enum class Survives { kill, power_cut };

// One attempt that failed.
struct Attempt {
    std::uint32_t number = 0;
    std::int64_t at_ms = 0;
    std::string cause;  // "killed by SIGSEGV in plugin resize 1.2.0"
};

// Names a message in a slot: a journal write on its behalf happens once, however often the worker
// is killed and the write repeated.
struct SlotTicket {
    std::uint64_t slot = 0;      // the slot's random identity
    std::uint64_t sequence = 0;  // of the message, or the batch, in that slot; only grows
};

struct NewMessage {
    std::int64_t type = 0;
    std::span<const std::byte> body;
    MessageId id;
    std::int64_t due_ms = 0;  // 0: at once
    std::optional<std::int64_t> expires_ms;
    std::string_view unique_key;  // "" for none
    std::uint32_t attempts = 0;   // made so far
    bool dead = false;
    std::string_view reason;  // why it is dead, "" otherwise
    std::span<const Attempt> history;
    std::optional<ReplyAddress> reply;  // who waits for what becomes of it
    std::string_view autopsy;           // of the attempt that killed its worker, "" for none
};

enum class Inserted { yes, duplicate };

// A message that a worker may take now.
struct DueMessage {
    std::int64_t row = 0;  // its number in the journal, which people see
    std::int64_t type = 0;
    std::uint32_t attempts = 0;
    MessageId id;
    std::optional<std::int64_t> expires_ms;
    std::optional<ReplyAddress> reply;
    std::uint64_t size = 0;           // of the body
    std::span<const std::byte> body;  // valid during the call; empty if longer than is claimed
};

// A longer body stays in its row when that is claimed: Journal::read_body().
constexpr std::uint64_t longest_claimed_body = std::uint64_t{1} << 20U;

enum class JournalState { ready, delayed, running, dead };

// What is asked of messages that people look at. Empty fields select everything.
struct JournalFilter {
    std::optional<std::string> queue;
    std::optional<std::int64_t> type;
    std::optional<std::int64_t> since_ms;  // dead since then, or accepted since then
    std::optional<std::string> match;      // these bytes in the body or in the reason
    std::set<JournalState> states;
    std::vector<std::int64_t> rows;
    std::optional<std::uint64_t> limit;  // oldest first
};

struct JournalEntry {
    std::int64_t row = 0;
    std::string queue;
    std::int64_t type = 0;
    JournalState state = JournalState::ready;
    MessageId id;
    std::int64_t accepted_ms = 0;
    std::int64_t due_ms = 0;
    std::optional<std::int64_t> expires_ms;
    std::string unique_key;
    std::uint32_t attempts = 0;
    std::optional<std::int64_t> died_ms;
    std::string reason;
    std::vector<std::byte> body;
    std::vector<Attempt> history;  // only by find()
    std::string autopsy;           // only by find()
};

struct JournalCounts {
    std::uint64_t ready = 0, delayed = 0, running = 0, dead = 0;
    std::uint64_t dropped = 0;  // by hand, ever
};
constexpr std::int64_t most_due_counted = 10'000;
struct TypeCountsInJournal {
    std::string queue;
    std::int64_t type = 0;
    JournalCounts counts;
};

class Journal {
public:
    // Opens DIRECTORY/journal.db; the directory must exist. With `create`, for the daemon, a
    // missing one is made, and one of an older myq is brought to this one's format. Throws
    // JournalError.
    Journal(const std::filesystem::path& directory, const JournalLimits& limits, bool create);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // What was wrong with its indexes when it was opened, and was put right: a sentence, "" for
    // nothing.
    const std::string& mended() const;

    // Runs `work` in one transaction and commits it; rolls back and rethrows if `work` throws, and
    // throws when the COMMIT fails. Writers queue up for the lock in the kernel; nobody polls.
    // Only a really full disk stops it, or admit().
    void transact(Survives survives, const std::function<void()>& work);

    // Everything from here to next_due() is for use inside transact().

    std::int64_t queue_number(std::string_view queue);  // made at first use

    // Throws JournalError(full) when the limits say that no new message of this queue with so many
    // bytes may come; the transaction goes on as it was. What is inserted without it always finds
    // room.
    void admit(std::int64_t queue, RowFor purpose, std::uint64_t bytes);

    // Whether a write with this ticket, or a later one of its slot, was committed before; if not,
    // the ticket is on record with this transaction.
    bool is_repeated(const SlotTicket& ticket);

    Inserted insert(std::int64_t queue, const NewMessage& message);

    // As is_repeated(), without putting it on record; also outside transact().
    bool is_recorded(const SlotTicket& ticket);

    // Up to `limit` due messages of the types, oldest first (lowest type first for up_to), become
    // running, in the hands of slot `owner`. Returns how many.
    std::size_t claim(std::int64_t queue, const Selector& types, std::uint64_t owner,
                      std::int64_t now_ms, std::size_t limit,
                      const std::function<void(const DueMessage&)>& take);

    // The rows that are running in the hands of `owner`.
    std::vector<std::int64_t> claimed(std::uint64_t owner);

    // What becomes of a row; nothing, if it is not there.
    // Handled, or expired: they are gone. Rows that follow one on the other are ended at once.
    void finish(std::span<const std::int64_t> rows);
    void finish(std::int64_t row) { finish(std::span(&row, 1)); }
    void release(std::int64_t row);  // unclaimed, due as before
    // An `autopsy` takes the place of an earlier one; "" leaves that.
    void defer(std::int64_t row, std::uint32_t attempts, std::int64_t due_ms,
               std::span<const Attempt> history, std::string_view autopsy = {});
    void bury(std::int64_t row, std::uint32_t attempts, std::string_view reason,
              std::span<const Attempt> history, std::string_view autopsy = {});

    // Claims of slots that are not among `owners` are void: those slots did not survive. Also
    // forgets their tickets. For the start of the daemon. Returns how many rows.
    std::size_t release_unowned(const std::set<std::uint64_t>& owners);

    // What people ask for; outside transact().

    // When the next message of these types is due: 0 for at once, nullopt for never.
    std::optional<std::int64_t> next_due(std::string_view queue, const Selector& types);
    // Costs nothing by the message, but for the running, and for those whose time has come: of each
    // queue most_due_counted at most, and the rest still counts as delayed. With `wanted`, types by
    // queue, only of these, and of all others of their queues together, as type 0.
    using TypesByQueue = std::map<std::string, std::set<std::int64_t>>;
    std::vector<TypeCountsInJournal> counts(std::int64_t now_ms, const TypesByQueue& wanted = {});
    void list(const JournalFilter& filter, std::int64_t now_ms,
              const std::function<void(const JournalEntry&)>& visit);
    std::optional<JournalEntry> find(std::int64_t row, std::int64_t now_ms);
    // The body of a row, valid during the call. False if there is no such row.
    bool read_body(std::int64_t row, const std::function<void(std::span<const std::byte>)>& read);
    // Dead messages begin anew: no attempt so far, due at once, the history kept. One whose unique
    // key is live again stays dead. Returns how many, and how many stayed.
    struct Revived {
        std::uint64_t revived = 0, blocked = 0;
    };
    Revived revive(const JournalFilter& filter);
    // Messages that are dead or wait are gone for good, and counted as dropped; those that are
    // running stay. Returns how many.
    std::uint64_t drop(const JournalFilter& filter, std::int64_t now_ms);
    // "" if the file is sound, else what is wrong with it (PRAGMA quick_check).
    std::string check();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace myq
