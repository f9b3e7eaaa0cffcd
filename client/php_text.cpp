#include "client/php_text.hpp"

#include "client/failure.hpp"
#include "php/json.hpp"
#include "php/serialize.hpp"
#include "php/unserialize.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace myq {

std::string php_from_json(std::string_view json) {
    try {
        return php::serialize(php::from_json(json).value());
    } catch (const std::exception& e) {
        throw Failure(ExitCode::data, fmt::format("--php: {}", e.what()));
    }
}

std::string json_from_php(std::string_view text, const std::string& what) {
    const php::Unserialized read = php::unserialize(text);
    if (!read) {
        throw Failure(ExitCode::data, fmt::format("{}: not what PHP's serialize() writes: {}", what,
                                                  read.fault->text()));
    }
    try {
        return php::to_json(read.value(), {.class_member = "__PHP_Incomplete_Class_Name"});
    } catch (const php::JsonError& e) {
        throw Failure(ExitCode::data, fmt::format("{}: {}", what, e.what()));
    }
}

}  // namespace myq
