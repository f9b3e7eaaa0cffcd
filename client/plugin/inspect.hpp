#pragma once

#include "client/doctor/finding.hpp"

#include <filesystem>

namespace myq {

// What is to be said of a plugin file from its bytes alone, nothing of it being run. For a file
// that is none, or cannot be read, nothing: the daemon's own word is that, and better.
doctor::Findings inspect_plugin(const std::filesystem::path& file);

}  // namespace myq
