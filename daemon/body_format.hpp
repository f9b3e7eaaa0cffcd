#pragma once

#include "config/config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace myq {

// Bodies as a handler with a `format` gets them. Only for those: a raw body is not touched.
class BodyFormat {
public:
    using Bytes = std::span<const std::byte>;

    // The longest body of the queue. What is made of a body is no longer either, but for 1 MiB that
    // it may always have, and no more than `most_growth` times as long as that body, plus this
    // 1 MiB: what is written once and referred to often must not cost many times what was sent.
    explicit BodyFormat(std::uint64_t max_body) : max_body_(max_body) {}
    static constexpr std::uint64_t always = std::uint64_t{1} << 20U;
    static constexpr std::uint64_t most_growth = 16;

    // For php: what serialize() wrote, as JSON, but a plain string as its own bytes; an object has
    // its class under "__PHP_Incomplete_Class_Name". For json: the body, if it is JSON. What is
    // returned is good until the next call, and while `body` is. nullopt: see reason().
    std::optional<Bytes> decode(HandlerConfig::Format format, Bytes body);

    // Why the last decode() returned nothing: one line.
    const std::string& reason() const { return reason_; }

private:
    std::optional<Bytes> decode_php(Bytes body);

    std::uint64_t max_body_;
    std::string text_;
    std::string reason_;
};

}  // namespace myq
