#pragma once

#include "daemon/unix/fence.hpp"

namespace myq {

// The part of a fence that Landlock holds: landlock(7). For fence.cpp.

// The version of its interface in this kernel, 0 for none.
int landlock_version();

// Version 3 can hold truncate(2) and O_TRUNC; before, seccomp must.
constexpr int landlock_with_truncate = 3;
constexpr int landlock_with_scopes = 6;

// Does what the version can. Throws std::system_error.
void restrict_paths(const Fence& fence, int version);

}  // namespace myq
