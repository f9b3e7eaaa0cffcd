#pragma once

#include <filesystem>
#include <string>

namespace myq {

// What the file says, at most 1 MiB. The file names the code that is loaded and the user to become,
// so it is read only if nobody else can write it: it belongs to root or to the caller and, when the
// caller is root, is not writable by group or others.
// Throws ConfigError, "file: reason: what to do".
std::string read_config_file(const std::filesystem::path& file);

}  // namespace myq
