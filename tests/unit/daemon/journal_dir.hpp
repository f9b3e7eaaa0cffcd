#pragma once

#include "daemon/journal_access.hpp"
#include "daemon/unix/clock.hpp"
#include "journal/journal.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace myq::test {

// A journal that ends with the test, and what is in it. Each function opens it anew, since a
// connection must not cross a fork and these tests fork.
class JournalDir {
public:
    JournalDir() {
        place_.directory = dir_.path();
        place_.limits.min_free = 0;  // the tmpfs of a test may be small
    }

    const JournalPlace& place() const { return place_; }
    // The same journal where no new message may come in.
    JournalPlace full_place() const {
        JournalPlace full = place_;
        full.limits.max_size = 1;
        return full;
    }

    void limit(std::uint64_t max_size) { place_.limits.max_size = max_size; }

    void transact(const std::function<void(Journal&)>& work) const {
        Journal journal(place_.directory, place_.limits, true);
        journal.transact(Survives::kill, [&] { work(journal); });
    }

    void put(std::int64_t type, std::string_view body, std::int64_t due_ms = 0,
             const std::string& queue = "jobs") const {
        NewMessage message;
        message.type = type;
        message.body = std::as_bytes(std::span(body));
        message.due_ms = due_ms;
        transact([&](Journal& journal) { journal.insert(journal.queue_number(queue), message); });
    }

    // Everything in it, oldest first, each with its history.
    std::vector<JournalEntry> entries() const {
        Journal journal(place_.directory, place_.limits, true);
        std::vector<std::int64_t> rows;
        journal.list({}, wall_clock_ms(),
                     [&](const JournalEntry& entry) { rows.push_back(entry.row); });
        std::vector<JournalEntry> found;
        for (const std::int64_t row : rows)
            found.push_back(journal.find(row, wall_clock_ms()).value());
        return found;
    }
    JournalEntry only_entry() const {
        const std::vector<JournalEntry> all = entries();
        if (all.size() != 1)
            throw std::runtime_error(std::to_string(all.size()) + " rows in the journal, not one");
        return all.front();
    }
    // The bodies of those in this state, a space behind each: "one two ".
    std::string bodies(JournalState state) const {
        std::string found;
        for (const JournalEntry& entry : entries()) {
            if (entry.state == state) found += text(entry) + ' ';
        }
        return found;
    }

    static std::string text(const JournalEntry& entry) {
        return {reinterpret_cast<const char*>(entry.body.data()), entry.body.size()};
    }

private:
    RunDir dir_;
    JournalPlace place_;
};

}  // namespace myq::test
