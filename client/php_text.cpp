#include "client/php_text.hpp"

#include "client/failure.hpp"
#include "ipc/printable.hpp"
#include "php/json.hpp"
#include "php/serialize.hpp"
#include "php/unserialize.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace myq {

namespace {

php::Unserialized read_php(std::string_view text, const std::string& what) {
    php::Unserialized read = php::unserialize(text);
    if (read) return read;
    throw Failure(ExitCode::data, fmt::format("{}: not what PHP's serialize() writes: {}", what,
                                              read.fault->text()));
}

}  // namespace

std::string php_from_json(std::string_view json) {
    try {
        return php::serialize(php::from_json(json).value());
    } catch (const std::exception& e) {
        throw Failure(ExitCode::data, fmt::format("--php: {}", e.what()));
    }
}

std::string json_from_php(std::string_view text, const std::string& what) {
    const php::Unserialized read = read_php(text, what);
    try {
        return plain_json(
            php::to_json(read.value(), {.class_member = php::incomplete_class_member}));
    } catch (const php::JsonError& e) {
        throw Failure(ExitCode::data, fmt::format("{}: {}", what, e.what()));
    }
}

std::string php_string(std::string_view bytes) {
    return php::serialize(php::Value(bytes));
}

std::string bytes_of_php_string(std::string_view text, const std::string& what) {
    const php::Unserialized read = read_php(text, what);
    if (const auto bytes = read.value().text()) return std::string(*bytes);
    throw Failure(ExitCode::data, fmt::format("{}: not a PHP string: see it with --php", what));
}

}  // namespace myq
