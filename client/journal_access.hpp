#pragma once

#include "config/config.hpp"
#include "journal/journal.hpp"

#include <filesystem>
#include <memory>
#include <optional>

namespace myq {

// The journal that a configuration names, or the system's own without one, opened; null when there
// is none yet. Throws Failure with whom to be, when the caller may not.
//
// Root becomes the owner of the directory first, for ever: what others may write is never parsed
// with root's rights.
std::unique_ptr<Journal> open_journal(const std::optional<Config>& config,
                                      const std::filesystem::path& config_file);

}  // namespace myq
