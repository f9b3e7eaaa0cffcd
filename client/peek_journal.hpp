#pragma once

#include "client/place.hpp"
#include "journal/journal.hpp"

#include <cstdint>
#include <functional>

namespace myq {

// Shows messages of the journal, oldest first, as a table or as JSON lines. Returns how many;
// `before` is called before the first.
std::uint64_t show_journaled(Journal& journal, const JournalFilter& filter, const Config& config,
                             bool json, const std::function<void()>& before);

}  // namespace myq
