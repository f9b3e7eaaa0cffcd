#include "php/key_index.hpp"

#include "ipc/random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>

namespace myq::php {

namespace {

// So few are found sooner by looking at each.
constexpr std::size_t few = 16;

// SipHash-1-3, whose collisions cannot be made by who does not know the secret.
class Hash {
public:
    explicit Hash(const std::array<std::uint64_t, 2>& secret)
        : v0_(secret[0] ^ 0x736f6d6570736575U),
          v1_(secret[1] ^ 0x646f72616e646f6dU),
          v2_(secret[0] ^ 0x6c7967656e657261U),
          v3_(secret[1] ^ 0x7465646279746573U) {}

    std::uint64_t of(std::string_view bytes) {
        std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56U;
        for (; bytes.size() >= sizeof(std::uint64_t); bytes.remove_prefix(sizeof(std::uint64_t))) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data(), sizeof word);
            add(word);
        }
        for (std::size_t i = 0; i < bytes.size(); ++i)
            last |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
        return end(last);
    }
    std::uint64_t of(std::int64_t number) { return end(static_cast<std::uint64_t>(number)); }

private:
    void round() {
        v0_ += v1_;
        v2_ += v3_;
        v1_ = std::rotl(v1_, 13) ^ v0_;
        v3_ = std::rotl(v3_, 16) ^ v2_;
        v0_ = std::rotl(v0_, 32);
        v2_ += v1_;
        v0_ += v3_;
        v1_ = std::rotl(v1_, 17) ^ v2_;
        v3_ = std::rotl(v3_, 21) ^ v0_;
        v2_ = std::rotl(v2_, 32);
    }
    void add(std::uint64_t word) {
        v3_ ^= word;
        round();
        v0_ ^= word;
    }
    std::uint64_t end(std::uint64_t last) {
        add(last);
        v2_ ^= 0xff;
        for (int i = 0; i < 3; ++i)
            round();
        return v0_ ^ v1_ ^ v2_ ^ v3_;
    }

    std::uint64_t v0_, v1_, v2_, v3_;
};

Hash fresh_hash() {
    static const std::array<std::uint64_t, 2> secret = [] {
        std::array<std::uint64_t, 2> words{};
        fill_random(std::as_writable_bytes(std::span(words)));
        return words;
    }();
    return Hash(secret);
}

// An integer-like text must meet its integer.
std::uint64_t hash(const KeyView& key) {
    std::int64_t number = key.number;
    if (key.is_number || is_array_number(key.text, number)) return fresh_hash().of(number);
    return fresh_hash().of(key.text);
}

KeyView view(const Key& key) {
    if (key.is_number()) return {key.number(), {}, true};
    return {0, key.text(), false};
}

bool is_text_of(std::string_view text, std::int64_t number) {
    std::int64_t meant = 0;
    return is_array_number(text, meant) && meant == number;
}

// Looks at the first byte before it calls for the others, which most names need not.
inline bool is_equal(std::string_view one, std::string_view two) {
    return one.size() == two.size() && (one.empty() || (one.front() == two.front() && one == two));
}

inline bool is_same(const Key& key, const KeyView& other) {
    if (key.is_number() != other.is_number) [[unlikely]] {
        return key.is_number() ? is_text_of(other.text, key.number())
                               : is_text_of(key.text(), other.number);
    }
    return other.is_number ? key.number() == other.number : is_equal(key.text(), other.text);
}

}  // namespace

void KeyIndex::insert(const Entries& entries, std::size_t number) {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash(view(entries[number].key)) & mask;
    while (table_[at] != 0)
        at = (at + 1) & mask;
    table_[at] = static_cast<std::uint32_t>(number + 1);
}

void KeyIndex::catch_up(const Entries& entries) {
    if (table_.size() < 2 * entries.size()) {
        table_.assign(std::bit_ceil(4 * entries.size()), 0);
        indexed_ = 0;
    }
    for (; indexed_ < entries.size(); ++indexed_)
        insert(entries, indexed_);
}

Entry* KeyIndex::find(Entries& entries, const KeyView& key) {
    if (entries.size() <= few) {
        for (Entry& entry : entries) {
            if (is_same(entry.key, key)) return &entry;
        }
        return nullptr;
    }
    catch_up(entries);
    const std::size_t mask = table_.size() - 1;
    for (std::size_t at = hash(key) & mask; table_[at] != 0; at = (at + 1) & mask) {
        Entry& entry = entries[table_[at] - 1];
        if (is_same(entry.key, key)) return &entry;
    }
    return nullptr;
}

Entry& KeyIndex::entry(Arena& arena, Entries& entries, const KeyView& key, bool& is_new) {
    // Lists, and whatever else ascends, need no search.
    const bool ascends = key.is_number && !has_texts_ && (entries.empty() || key.number > largest_);
    Entry* const found = ascends ? nullptr : find(entries, key);
    is_new = found == nullptr;
    if (found) return *found;
    if (key.is_number) {
        largest_ = std::max(largest_, key.number);
    } else {
        has_texts_ = true;
    }
    Entry& entry = entries.emplace_back();
    if (key.is_number) {
        entry.key = key.number;
    } else {
        arena.set_name(entry.key, key.text);
    }
    return entry;
}

}  // namespace myq::php
