#pragma once

#include "daemon/plugin_image.hpp"

#include <string>
#include <string_view>

namespace myq {

// The build id that the linker left in the image, in hex as `file` and `eu-unstrip` print it; ""
// for none. The bytes are a stranger's: whatever they say of themselves, nothing else is read.
std::string build_id(const PluginImage& image);

// The same, in a segment of notes (elf(5), PT_NOTE).
std::string build_id_in(std::string_view notes);

}  // namespace myq
