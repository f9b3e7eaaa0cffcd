#include "php/double_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace myq::php {

namespace {

// 0.DIGITS times ten to the power of `point`.
struct Decimal {
    std::array<char, 32> digits;
    int count = 0;
    int point = 0;
};

Decimal shortest(double positive) {
    std::array<char, 32> scientific;  // d.ddde-308
    const char* end = std::to_chars(scientific.data(), scientific.data() + scientific.size(),
                                    positive, std::chars_format::scientific)
                          .ptr;
    Decimal decimal;
    const char* at = scientific.data();
    for (; *at != 'e'; ++at) {
        if (*at != '.') decimal.digits[static_cast<std::size_t>(decimal.count++)] = *at;
    }
    ++at;
    if (*at == '+') ++at;
    std::from_chars(at, end, decimal.point);
    ++decimal.point;
    return decimal;
}

void append_exponential(std::string& text, const Decimal& decimal, char exponent) {
    text += decimal.digits[0];
    text += '.';
    if (decimal.count == 1) text += '0';
    text.append(&decimal.digits[1], static_cast<std::size_t>(decimal.count - 1));
    text += exponent;
    const int power = decimal.point - 1;
    text += power < 0 ? '-' : '+';
    text += std::to_string(std::abs(power));
}

void append_positional(std::string& text, const Decimal& decimal) {
    const auto zeros = [&](int count) { text.append(static_cast<std::size_t>(count), '0'); };
    const auto digits = [&](int from, int to) {
        text.append(decimal.digits.data() + from, static_cast<std::size_t>(to - from));
    };
    if (decimal.point <= 0) {
        text += "0.";
        zeros(-decimal.point);
        return digits(0, decimal.count);
    }
    if (decimal.count <= decimal.point) {
        digits(0, decimal.count);
        return zeros(decimal.point - decimal.count);
    }
    digits(0, decimal.point);
    text += '.';
    digits(decimal.point, decimal.count);
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Whether a number that no double holds is too large, not too small: by the place of its first
// digit that counts.
bool is_huge(std::string_view text) {
    constexpr std::int64_t beyond_all = 1'000'000'000'000;
    std::int64_t place = 0;
    bool is_behind_point = false;
    bool counts = false;
    std::size_t at = 0;
    for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
        if (text[at] == '.') is_behind_point = true;
        if (!is_digit(text[at])) continue;
        if (text[at] != '0') counts = true;
        if (!is_behind_point && counts) ++place;
        if (is_behind_point && !counts) --place;
    }
    if (at == text.size()) return place > 0;
    ++at;
    if (text[at] == '+') ++at;
    std::int64_t power = 0;
    const auto read = std::from_chars(text.data() + at, text.data() + text.size(), power);
    if (read.ec != std::errc{}) return text[at] != '-';
    return power > beyond_all || (power > -beyond_all && place + power > 0);
}

}  // namespace

void append_double(std::string& text, double number, char exponent) {
    if (std::isnan(number)) {
        text += "NAN";
        return;
    }
    if (std::signbit(number)) text += '-';
    number = std::abs(number);
    if (std::isinf(number)) {
        text += "INF";
        return;
    }
    if (number == 0) {
        text += '0';
        return;
    }
    const Decimal decimal = shortest(number);
    constexpr int lowest = -3;
    constexpr int highest = 17;
    if (decimal.point < lowest || decimal.point > highest) {
        return append_exponential(text, decimal, exponent);
    }
    append_positional(text, decimal);
}

double read_double(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    double number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc::result_out_of_range) return number;
    const double size = is_huge(text) ? std::numeric_limits<double>::infinity() : 0.0;
    return text.starts_with('-') ? -size : size;
}

}  // namespace myq::php
