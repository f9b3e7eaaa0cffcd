#pragma once

#include <cstddef>
#include <span>

namespace myq {

// Fills `bytes`, at most 256, from getrandom(2). Throws std::system_error.
void fill_random(std::span<std::byte> bytes);

}  // namespace myq
