#pragma once

#include "config/config.hpp"
#include "config/section.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

// `receivers:`, and what a queue's receivers and handlers say of each other.
namespace myq {

constexpr Between<std::int64_t> message_types{1, std::numeric_limits<std::int64_t>::max()};

struct OrAny {};

// `any`, which leaves the field empty, or one type.
void decode(const Value& value, std::optional<std::int64_t>& type, OrAny);

// A number is that many for any type; else a list of {types: ..., count: ...}.
void decode(const Value& value, std::vector<ReceiverConfig>& receivers);

// A worker that could never have anything to do, and a handler whose messages nobody takes, which
// then fill the queue for ever, are mistakes in one of two places. For values that are right in
// themselves: `receivers` and `handlers` are where those of `queue` stand.
void check_receivers(const QueueConfig& queue, const Value& receivers, bool auto_route);
void check_handlers(const QueueConfig& queue, const Value& handlers);

}  // namespace myq
