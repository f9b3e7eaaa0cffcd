#pragma once

#include "php/arena.hpp"
#include "php/value.hpp"

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace myq::php {

// A key that is somewhere else.
struct KeyView {
    std::int64_t number = 0;
    std::string_view text;
    bool is_number = true;
};

// Finds keys among entries that are being added, each in the same time however many there are, and
// whoever chose the keys: large ones are in a hash table with a secret of this process. Whatever is
// integer-like is the same key as that integer.
class KeyIndex {
public:
    // The entry with this key, or a new last one. Adding entries in another way is allowed;
    // removing them or changing keys is not. Always the
    // same `entries`, which are in the arena.
    Entry& entry(Arena& arena, Entries& entries, const KeyView& key, bool& is_new);

private:
    Entry* find(Entries& entries, const KeyView& key);
    void catch_up(const Entries& entries);
    void insert(const Entries& entries, std::size_t number);

    std::vector<std::uint32_t> table_;  // number of the entry + 1, 0: free; a power of two of them
    std::size_t indexed_ = 0;           // so many of the entries are in the table
    std::int64_t largest_ = std::numeric_limits<std::int64_t>::min();  // number so far
    bool has_texts_ = false;
};

}  // namespace myq::php
