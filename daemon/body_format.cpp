#include "daemon/body_format.hpp"

#include "php/json.hpp"
#include "php/unserialize.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>

namespace myq {

namespace {

std::string_view as_text(BodyFormat::Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::optional<BodyFormat::Bytes> BodyFormat::decode(HandlerConfig::Format format, Bytes body) {
    switch (format) {
    case HandlerConfig::Format::raw:
        return body;
    case HandlerConfig::Format::php:
        return decode_php(body);
    case HandlerConfig::Format::json:
        if (nlohmann::json::accept(as_text(body))) return body;
        reason_ = "its body is not JSON";
        return std::nullopt;
    }
    return std::nullopt;  // not reached: the enum has three values
}

std::optional<BodyFormat::Bytes> BodyFormat::decode_php(Bytes body) {
    if (text_.capacity() > always) text_ = {};  // what an unusual body left
    const php::Unserialized read = php::unserialize(as_text(body));
    if (!read) {
        reason_ =
            fmt::format("its body is not what PHP's serialize() writes: {}", read.fault->text());
        return std::nullopt;
    }
    if (const auto plain = read.value().text()) {
        text_ = *plain;
        return std::as_bytes(std::span(text_));
    }
    const std::uint64_t most =
        std::min(std::max(max_body_, always), always + most_growth * body.size());
    try {
        text_ = php::to_json(read.value(),
                             {.size = most, .class_member = php::incomplete_class_member});
    } catch (const php::JsonError& e) {
        reason_ = fmt::format("its body, from PHP, cannot be JSON: {}", e.what());
        return std::nullopt;
    }
    return std::as_bytes(std::span(text_));
}

}  // namespace myq
