#pragma once

#include "php/value.hpp"

#include <string>

namespace myq::php {

// The text that PHP's serialize() writes for a value, with serialize_precision = -1. Nested values
// take no stack. Throws std::invalid_argument for what no PHP could read: more levels than
// `most_levels`. References are written as they are: who makes one counts its slot.
std::string serialize(const Value& value);

// The same, appended to `text`.
void serialize_to(std::string& text, const Value& value);

}  // namespace myq::php
