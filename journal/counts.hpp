#pragma once

#include "journal/sqlite.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

// How many messages there are, kept and not counted: table `count` has a row for each type of a
// queue, and one of type 0 for the queue as a whole. Whoever changes rows of `message` says so
// here, and the same transaction writes each row that changed, once.
namespace myq {

// The columns, in their order. Those that live, with a due time or without: whether that has come
// is a matter of the clock, and who has claimed them is counted, since they are few. The dead. And
// what was dropped by hand, ever.
enum class CountKind : std::size_t { at_once, timed, dead, dropped };
constexpr std::size_t count_kinds = 4;

constexpr CountKind living(std::int64_t due_ms) {
    return due_ms == 0 ? CountKind::at_once : CountKind::timed;
}

// What a transaction has changed so far.
class CountChanges {
public:
    void add(std::int64_t queue, std::int64_t type, CountKind kind, std::int64_t change) {
        for (const std::int64_t place : {type, std::int64_t{0}})
            changes_[{queue, place}].at(static_cast<std::size_t>(kind)) += change;
    }
    void move(std::int64_t queue, std::int64_t type, CountKind from, CountKind to) {
        add(queue, type, from, -1);
        add(queue, type, to, 1);
    }
    void forget() { changes_.clear(); }

    // Statements::count_keep and count_forget.
    void write(Statement& keep, Statement& forget) const;

private:
    std::map<std::pair<std::int64_t, std::int64_t>, std::array<std::int64_t, count_kinds>> changes_;
};

}  // namespace myq
