#pragma once

#include "php/value.hpp"

#include <initializer_list>
#include <utility>

namespace myq::php::test {

inline Array list(std::initializer_list<Value> values) {
    Array array;
    for (const Value& value : values)
        array.push(value);
    return array;
}

inline Array map(std::initializer_list<std::pair<Key, Value>> pairs) {
    Array array;
    for (const auto& [key, value] : pairs)
        array.set(key, value);
    return array;
}

}  // namespace myq::php::test
