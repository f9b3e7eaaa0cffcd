#pragma once

#include <boost/archive/iterators/base64_from_binary.hpp>
#include <boost/archive/iterators/transform_width.hpp>

#include <string>
#include <string_view>

// Bytes in base64, with its padding and without line breaks.
inline std::string base64(std::string_view bytes) {
    namespace it = boost::archive::iterators;
    using Digits = it::base64_from_binary<it::transform_width<const char*, 6, 8>>;
    std::string text(Digits(bytes.data()), Digits(bytes.data() + bytes.size()));
    text.append((3 - bytes.size() % 3) % 3, '=');
    return text;
}
