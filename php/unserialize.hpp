#pragma once

#include "php/document.hpp"
#include "php/scanner.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>

namespace myq::php {

constexpr std::size_t most_levels = 4096;  // PHP's unserialize_max_depth

struct Limits {
    std::size_t depth = most_levels;  // arrays and objects within each other; never more than that
    std::size_t size = std::numeric_limits<std::size_t>::max();  // bytes of the text
    std::size_t elements =
        std::numeric_limits<std::size_t>::max();  // entries and properties in all
};

struct Unserialized {
    Document document;     // null after a fault
    std::size_t size = 0;  // bytes that it takes: what is behind them is not looked at
    std::optional<Fault> fault;
    explicit operator bool() const { return !fault; }
    const Value& value() const { return document.value(); }
};

// What serialize() made the text from. Total: any bytes in, a value or a fault out; only memory can
// run out, with std::bad_alloc, and what is kept at a time is at most 30 bytes for one of the text.
// Time grows with the length of the text, whatever is in it. Nested values take no stack.
//
// It takes and refuses what PHP 8.2 does with `unserialize($text, ['allowed_classes' => false])`.
// So it takes what serialize() never writes: "+5" and "007" for integers, beyond 64 bits the
// nearest integer, S: for strings, keys that come again (the last value, in the place of the
// first), anything at all behind the value, as msg_receive() and shm_get_var() do. But
// - no byte is read beyond the text, and no length beyond 64 bits wraps to a small one;
// - an enum case is taken without looking whether there is such an enum;
// - an object keeps integers for names, which some __serialize() write; PHP, when it does not know
// the
//   class, makes texts of them. The name __PHP_Incomplete_Class_Name means nothing here;
// - the bytes of a C: object are kept, where PHP, when it does not know the class, forgets them;
// - a reference to the whole stays one, where PHP resolves it once;
// - settling what was referred to and then replaced must not make more levels than the limit.
//
// What PHP wrote is written by serialize() byte for byte again.
Unserialized unserialize(std::string_view text, const Limits& limits = {});

}  // namespace myq::php
