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

// Which dead messages are meant: by number, or by what they are. All that is given must hold.
struct DeadFilter {
    std::vector<std::int64_t> numbers;
    std::string queue;
    std::string type;   // a number or a handler's name
    std::string since;  // a time or a duration
    std::optional<std::string> match;
    bool all = false;

    void add(CLI::App& verb, const std::string& all_help);

    bool is_empty() const;

    // With names looked up in `config`, if there is one. Throws Failure for what cannot be meant.
    JournalFilter filter(const std::optional<Config>& config, std::int64_t now_ms) const;
};

}  // namespace myq
