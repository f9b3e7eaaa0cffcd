#pragma once

#include <string>
#include <string_view>

namespace myq {

// JSON as what PHP's serialize() would make of it. Failure (65) for what is no JSON.
std::string php_from_json(std::string_view json);

// What PHP's serialize() wrote, as JSON on one line; an object has its class under
// "__PHP_Incomplete_Class_Name". Failure (65), with `what` in front, for what is no such text, or
// what JSON cannot say.
std::string json_from_php(std::string_view text, const std::string& what);

// A PHP string of these bytes, and the bytes of one; Failure (65), with `what` in front, for what
// is no PHP string.
std::string php_string(std::string_view bytes);
std::string bytes_of_php_string(std::string_view text, const std::string& what);

}  // namespace myq
