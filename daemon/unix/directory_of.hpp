#pragma once

#include "daemon/unix/privileges.hpp"

#include <filesystem>
#include <functional>

namespace myq {

// Opens the directory that `path` is in, each step of the way by its descriptor, and runs `work`
// with that and the last part of the path.
//
// For root, before the drop: where `owner` could put something else in the place of a directory on
// the way, `work` has the rights of `owner` only, so that root makes and opens nothing in a place
// that a handler of the last daemon chose. Throws std::system_error.
void in_directory_of(const std::filesystem::path& path, const Identity& owner,
                     const std::function<void(int directory, const char* name)>& work);

}  // namespace myq
