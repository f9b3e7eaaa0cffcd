#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace myq::test {

inline std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

inline std::string text(std::span<const std::byte> body) {
    return {reinterpret_cast<const char*>(body.data()), body.size()};
}

}  // namespace myq::test
