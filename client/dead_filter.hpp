#pragma once

#include "config/config.hpp"
#include "journal/journal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace myq {

// Which messages of the journal are meant, dead ones if the verb does not say otherwise: by number,
// or by what they are. All that is given must hold.
struct DeadFilter {
    std::vector<std::int64_t> numbers;
    std::string queue;
    std::string type;   // a number or a handler's name
    std::string since;  // a time or a duration
    std::optional<std::string> match;
    bool all = false;

    // In the words of a verb: where numbers come from, what `since` is about, what they all are.
    struct Words {
        const char* list;
        const char* since;
        const char* all;
    };
    void add(CLI::App& verb, const Words& words);

    bool is_empty() const;

    // With names looked up in `config`, if there is one. Throws Failure for what cannot be meant.
    JournalFilter filter(const std::optional<Config>& config, std::int64_t now_ms) const;
};

}  // namespace myq
