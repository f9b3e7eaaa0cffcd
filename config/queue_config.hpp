#pragma once

#include "config/config.hpp"
#include "config/section.hpp"

namespace myq {

// What no two queues may share.
struct QueueIdentities {
    Unique<std::string> names;
    Unique<key_t> keys;
};

// One entry of `queues:`, all of it. `plugins` must be read before: without auto_route only what
// `handlers` says is handled.
void decode(const Value& value, QueueConfig& queue, QueueIdentities& others,
            const PluginsConfig& plugins);

// What a user or a group may be called, for TextRule.
std::string_view account_rule(std::string_view text);

}  // namespace myq
