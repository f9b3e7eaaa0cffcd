#pragma once

#include "journal/journal.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace myq::test {

constexpr std::uint64_t slot = 0xabcdef0123456789;      // whose claims are meant, if no other
constexpr std::int64_t much_later = 4'000'000'000'000;  // the year 2096

inline NewMessage message(std::int64_t type, std::string_view body, std::int64_t due_ms = 0) {
    NewMessage message;
    message.type = type;
    message.body = bytes(body);
    message.due_ms = due_ms;
    return message;
}

inline NewMessage dead(std::int64_t type, std::string_view body, std::string_view reason) {
    NewMessage message = test::message(type, body);
    message.dead = true;
    message.reason = reason;
    return message;
}

inline JournalFilter all_dead() {
    JournalFilter filter;
    filter.states = {JournalState::dead};
    return filter;
}

// A journal that goes with the test, and the queue "jobs" in it: each function in a transaction of
// its own.
class ScratchJournal : public Journal {
public:
    explicit ScratchJournal(const JournalLimits& limits = small_disk())
        : ScratchJournal(std::make_unique<TempDir>(), limits) {}

    // In a directory of somebody else's.
    explicit ScratchJournal(const std::filesystem::path& directory)
        : Journal(directory, small_disk(), true),
          directory_(directory) {}

    const std::filesystem::path& directory() const { return directory_; }
    std::filesystem::path file() const { return directory() / "journal.db"; }

    Inserted put(const NewMessage& message, std::string_view queue = "jobs") {
        Inserted inserted{};
        transact(Survives::kill, [&] { inserted = insert(queue_number(queue), message); });
        return inserted;
    }

    struct Taken {
        std::int64_t row, type;
        std::uint32_t attempts;
        MessageId id;
        std::optional<std::int64_t> expires_ms;
        std::string body;
        std::optional<ReplyAddress> reply = {};
        std::uint64_t size = 0;
    };
    std::vector<Taken> take(const Selector& types = Selector::any(), std::size_t limit = 1000,
                            std::int64_t now_ms = much_later, std::uint64_t owner = slot,
                            std::string_view queue = "jobs") {
        std::vector<Taken> taken;
        transact(Survives::kill, [&] {
            const auto visit = [&](const DueMessage& due) {
                taken.push_back({due.row, due.type, due.attempts, due.id, due.expires_ms,
                                 text(due.body), due.reply, due.size});
            };
            const auto count = claim(queue_number(queue), types, owner, now_ms, limit, visit);
            if (count != taken.size()) throw std::logic_error("claim() miscounts");
        });
        return taken;
    }
    // Only the bodies, one after the other.
    std::string take_bodies(const Selector& types = Selector::any(), std::size_t limit = 1000,
                            std::int64_t now_ms = much_later) {
        return joined(take(types, limit, now_ms));
    }

    std::vector<JournalEntry> entries(const JournalFilter& filter = {},
                                      std::int64_t now_ms = much_later) {
        std::vector<JournalEntry> found;
        list(filter, now_ms, [&](const JournalEntry& entry) { found.push_back(entry); });
        return found;
    }
    std::string bodies(const JournalFilter& filter = {}, std::int64_t now_ms = much_later) {
        std::string found;
        for (const JournalEntry& entry : entries(filter, now_ms))
            found += text(entry.body);
        return found;
    }

    JournalCounts count(std::int64_t type, std::int64_t now_ms = much_later) {
        for (const TypeCountsInJournal& of_type : counts(now_ms)) {
            if (of_type.type == type) return of_type.counts;
        }
        return {};
    }

    static std::string joined(const std::vector<Taken>& taken) {
        std::string bodies;
        for (const Taken& one : taken)
            bodies += one.body;
        return bodies;
    }

private:
    // Where the tests run there may be little left, and that is not what they are about.
    static JournalLimits small_disk() {
        JournalLimits limits;
        limits.min_free = 0;
        return limits;
    }
    ScratchJournal(std::unique_ptr<TempDir> dir, const JournalLimits& limits)
        : Journal(dir->path(), limits, true),
          directory_(dir->path()),
          dir_(std::move(dir)) {}

    std::filesystem::path directory_;
    std::unique_ptr<TempDir> dir_;
};

}  // namespace myq::test
