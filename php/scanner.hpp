#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace myq::php {

// Why a text is not what serialize() writes.
struct Fault {
    std::size_t offset = 0;  // of the byte that is wrong, counted from 0
    const char* what = "";   // "expected ';' behind the integer"

    std::string text() const;  // "byte 17: expected ';' behind the integer"
};

// Takes the pieces of a serialized text, never a byte beyond its end. Each take...() returns false
// when something else is there, and fault() then says what it wanted.
class Scanner {
public:
    explicit Scanner(std::string_view text)
        : begin_(text.data()),
          at_(begin_),
          end_(begin_ + text.size()) {}

    std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    const Fault& fault() const { return fault_; }
    // Always false.
    bool expected(const char* what) { return fail_at(offset(), what); }
    bool fail_at(std::size_t offset, const char* what);

    // The next byte, which is not taken; 0 at the end.
    char next() const { return at_ == end_ ? '\0' : *at_; }

    bool take(char byte, const char* what) {
        if (at_ == end_ || *at_ != byte) [[unlikely]]
            return expected(what);
        ++at_;
        return true;
    }
    bool take(std::string_view bytes, const char* what) {
        for (const char byte : bytes) {
            if (!take(byte, what)) return false;
        }
        return true;
    }
    // The letter that next() is, whichever, and ':'.
    bool take_tag() {
        ++at_;
        return take(':', "expected ':' behind the letter");
    }
    // Digits and nothing else. What is no std::size_t is refused.
    bool take_length(std::size_t& length);
    // Digits with an optional sign; beyond 64 bits the nearest that there is, as in PHP.
    bool take_integer(std::int64_t& number);
    // The same for the few places where PHP takes nothing at all for 0. Not below 0.
    bool take_loose_length(std::size_t& length);
    bool take_double(double& number);
    // LENGTH:"BYTES": up to the quote behind it. `bytes` is a part of the text.
    bool take_quoted(std::string_view& bytes);
    // The same with \hh for some of the bytes, whose length is that of what is meant.
    bool take_escaped(std::string& bytes);
    bool take_bytes(std::size_t length, std::string_view& bytes);

private:
    bool is_at_digit() const { return at_ != end_ && *at_ >= '0' && *at_ <= '9'; }
    bool take_sign();  // whether it is a minus
    std::uint64_t take_digits(bool& fits);
    std::uint64_t take_more_digits(std::uint64_t number, bool& fits);
    void skip_digits();
    bool take_hex_digit(unsigned& digit);

    const char* begin_;
    const char* at_;
    const char* end_;
    Fault fault_;
};

// What every value goes through is here, to be inlined.

inline std::uint64_t Scanner::take_digits(bool& fits) {
    constexpr int always_fit = 19;
    std::uint64_t number = 0;
    for (int i = 0; i < always_fit; ++i, ++at_) {
        if (!is_at_digit()) return number;
        number = number * 10 + static_cast<std::uint64_t>(*at_ - '0');
    }
    return take_more_digits(number, fits);
}

inline bool Scanner::take_length(std::size_t& length) {
    if (!is_at_digit()) return expected("expected digits");
    bool fits = true;
    length = take_digits(fits);
    return fits || expected("the number before this is beyond 64 bits");
}

inline bool Scanner::take_bytes(std::size_t length, std::string_view& bytes) {
    if (length > left()) return expected("the text ends before the bytes announced here");
    bytes = {at_, length};
    at_ += length;
    return true;
}

inline bool Scanner::take_quoted(std::string_view& bytes) {
    std::size_t length = 0;
    return take_length(length) && take(':', "expected ':' behind the length") &&
           take('"', "expected '\"' before the bytes") && take_bytes(length, bytes) &&
           take('"', "expected '\"' here, where the announced length ends");
}

}  // namespace myq::php
