#pragma once

#include "daemon/plugin_image.hpp"

#include <string>

namespace myq {

// The build id that the linker left in the image, in hex as `file` and `eu-unstrip` print it; ""
// for none. The bytes are a stranger's: whatever they say of themselves, nothing else is read.
std::string build_id(const PluginImage& image);

}  // namespace myq
