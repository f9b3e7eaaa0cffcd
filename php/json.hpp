#pragma once

#include "php/document.hpp"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace myq::php {

// One line: where, what and why, what to do.
class JsonError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Under this name PHP has the class of an object that it does not know.
constexpr std::string_view incomplete_class_member = "__PHP_Incomplete_Class_Name";

struct JsonOptions {
    std::size_t depth =
        512;  // levels of [] and {}, PHP's default too; never more than `most_levels`
    std::size_t size = std::size_t{64} << 20U;  // bytes of JSON at most
    // Under which name an object's class comes first in its {}; "" for not at all.
    std::string_view class_member{};
};

// What PHP's json_encode() writes for a value with the flags JSON_PRESERVE_ZERO_FRACTION,
// JSON_UNESCAPED_SLASHES, JSON_UNESCAPED_UNICODE and JSON_UNESCAPED_LINE_TERMINATORS: an array
// whose keys are 0, 1, 2 and so on is [], every other one is {}; 1.0 stays a number with a
// fraction; one line, no blanks.
//
// - An object is {} of its public properties: what is private or protected is left out. With
//   `class_member` set to "__PHP_Incomplete_Class_Name" that is what PHP writes of an object whose
//   class it does not know.
// - An enum case is the string "Enum::Case".
// - A reference is the value that it refers to, again.
//
// Nothing is lost or changed silently: JsonError for a string or key that is not UTF-8, for INF and
// NAN, for the bytes of a C: object, for references that go in circles or to nowhere, for a
// property named as `class_member`, and beyond the options' limits.
std::string to_json(const Value& value, const JsonOptions& options = {});

// What json_decode($json, true) returns: objects become arrays too, so that {} and [] are the same,
// and a member "5" gets the number 5 for its key. Of members with one name the last value counts,
// in the place of the first. An integer beyond 64 bits becomes a double. Unlike there, a number
// that no double holds (1e999) is an error. JsonError for what is no JSON or is beyond the limits.
// Memory: up to 200 bytes for one of the JSON.
Document from_json(std::string_view json, const JsonOptions& options = {});

}  // namespace myq::php
