#pragma once

#include <vector>

namespace myq {

// Takes away from this process all memory that it shares with others and may write, but for the
// mappings at these addresses: a fork hands on the memory of all siblings, and no exec follows.
void unmap_shared_but(const std::vector<const void*>& keep);

}  // namespace myq
