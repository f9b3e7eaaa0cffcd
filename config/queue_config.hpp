#pragma once

#include "config/config.hpp"
#include "config/section.hpp"

namespace myq {

// What no two queues may share.
struct QueueIdentities {
    Unique<std::string> names;
    Unique<key_t> keys;
};

// What of the rest of the configuration a queue depends on; read before.
struct AroundQueues {
    const PluginsConfig& plugins;  // without auto_route only what `handlers` says is handled
    const JournalConfig& journal;  // a body must fit into it
};

// One entry of `queues:`, all of it.
void decode(const Value& value, QueueConfig& queue, QueueIdentities& others,
            const AroundQueues& around);

// `options:` of a handler. Any names: only the plugin knows what it knows, and is asked for it
// later.
void decode(const Value& value, std::vector<OptionConfig>& options);

// What a user or a group may be called, for TextRule.
std::string_view account_rule(std::string_view text);

}  // namespace myq
