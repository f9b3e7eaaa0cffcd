#include "php/utf8.hpp"

namespace myq::php {

namespace {

// What may follow a first byte: so many bytes, the first of them in this range, the others 80 to
// BF.
struct Rest {
    std::size_t count;
    unsigned char lowest = 0x80, highest = 0xBF;
};

std::optional<Rest> rest_of(unsigned char first) {
    if (first < 0x80) return Rest{0};
    if (first < 0xC2) return std::nullopt;
    if (first < 0xE0) return Rest{1};
    if (first == 0xE0) return Rest{2, 0xA0};
    if (first == 0xED) return Rest{2, 0x80, 0x9F};
    if (first < 0xF0) return Rest{2};
    if (first == 0xF0) return Rest{3, 0x90};
    if (first < 0xF4) return Rest{3};
    if (first == 0xF4) return Rest{3, 0x80, 0x8F};
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> find_non_utf8(std::string_view bytes) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    for (std::size_t at = 0; at < bytes.size();) {
        const auto rest = rest_of(byte(at));
        if (!rest || rest->count > bytes.size() - at - 1) return at;
        for (std::size_t i = 1; i <= rest->count; ++i) {
            const bool is_second = i == 1;
            if (byte(at + i) < (is_second ? rest->lowest : 0x80)) return at;
            if (byte(at + i) > (is_second ? rest->highest : 0xBF)) return at;
        }
        at += 1 + rest->count;
    }
    return std::nullopt;
}

}  // namespace myq::php
