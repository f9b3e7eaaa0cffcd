#pragma once

#include "daemon/unix/privileges.hpp"

#include <filesystem>

namespace myq {

// Finds or makes a directory of `owner`'s that is closed to everybody else (mode 0700); for root,
// before the drop. What is there is judged, and given to `owner`, through one descriptor: whoever
// may rename things above it cannot have another one given away. False if it is something else, or
// somebody else's. Throws std::system_error.
bool make_private_directory(const std::filesystem::path& path, const Identity& owner);

}  // namespace myq
