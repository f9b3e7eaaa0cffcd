#pragma once

#include "php/arena.hpp"

#include <memory>
#include <utility>

namespace myq::php {

// A decoded value with the memory that it is in. A copy of the value, or of a part of it, owns what
// is in it and may live longer.
class Document {
public:
    Document() = default;  // null
    Document(std::unique_ptr<Arena> arena, Value value)
        : arena_(std::move(arena)),
          value_(std::move(value)) {}

    const Value& value() const { return value_; }

private:
    std::unique_ptr<Arena> arena_;
    Value value_;
};

}  // namespace myq::php
