#include "php/scanner.hpp"

#include "php/double_text.hpp"

#include <limits>

namespace myq::php {

namespace {

constexpr const char* too_short = "the text ends before the bytes announced here";

}  // namespace

std::string Fault::text() const {
    return "byte " + std::to_string(offset) + ": " + what;
}

bool Scanner::fail_at(std::size_t offset, const char* what) {
    fault_ = {offset, what};
    return false;
}

std::uint64_t Scanner::take_more_digits(std::uint64_t number, bool& fits) {
    for (; is_at_digit(); ++at_) {
        const auto digit = static_cast<std::uint64_t>(*at_ - '0');
        if (__builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, digit, &number)) {
            fits = false;
            skip_digits();
            break;
        }
    }
    return number;
}

void Scanner::skip_digits() {
    while (is_at_digit())
        ++at_;
}

bool Scanner::take_sign() {
    const bool is_minus = next() == '-';
    if (is_minus || next() == '+') ++at_;
    return is_minus;
}

bool Scanner::take_integer(std::int64_t& number) {
    const bool is_negative = take_sign();
    if (!is_at_digit()) return expected("expected the digits of an integer");
    bool fits = true;
    const std::uint64_t size = take_digits(fits);
    constexpr auto largest = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    fits = fits && size <= largest;
    if (is_negative) {
        number = fits ? -static_cast<std::int64_t>(size) : std::numeric_limits<std::int64_t>::min();
    } else {
        number = static_cast<std::int64_t>(fits ? size : largest);
    }
    return true;
}

bool Scanner::take_loose_length(std::size_t& length) {
    const bool is_negative = take_sign();
    bool fits = true;
    length = take_digits(fits);
    return (fits && (!is_negative || length == 0)) ||
           expected("the number before this is negative or beyond 64 bits");
}

bool Scanner::take_double(double& number) {
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    constexpr const char* what = "expected a number, INF, -INF or NAN";
    if (next() == 'N') {
        number = std::numeric_limits<double>::quiet_NaN();
        return take("NAN", what);
    }
    const char* const first = at_;
    const bool is_negative = take_sign();
    if (next() == 'I' && *first != '+') {
        number = is_negative ? -infinity : infinity;
        return take("INF", what);
    }
    bool has_digits = is_at_digit();
    skip_digits();
    if (next() == '.') {
        ++at_;
        has_digits = has_digits || is_at_digit();
        skip_digits();
    }
    if (!has_digits) return expected(what);
    if (next() == 'e' || next() == 'E') {
        ++at_;
        take_sign();
        if (!is_at_digit()) return expected("expected the digits of an exponent");
        skip_digits();
    }
    number = read_double({first, static_cast<std::size_t>(at_ - first)});
    return true;
}

bool Scanner::take_hex_digit(unsigned& digit) {
    const char c = next();
    if (c >= '0' && c <= '9') {
        digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
        digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
        digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
        return expected("expected two hexadecimal digits behind '\\'");
    }
    ++at_;
    return true;
}

bool Scanner::take_escaped(std::string& bytes) {
    std::size_t length = 0;
    if (!take_length(length) || !take(':', "expected ':' behind the length") ||
        !take('"', "expected '\"' before the bytes")) {
        return false;
    }
    if (length > left()) return expected(too_short);
    bytes.clear();
    while (bytes.size() < length) {
        if (left() == 0) return expected(too_short);
        if (*at_ != '\\') {
            bytes += *at_++;
            continue;
        }
        ++at_;
        unsigned high = 0;
        unsigned low = 0;
        if (!take_hex_digit(high) || !take_hex_digit(low)) return false;
        bytes += static_cast<char>(high << 4U | low);
    }
    return take('"', "expected '\"' here, where the announced length ends");
}

}  // namespace myq::php
