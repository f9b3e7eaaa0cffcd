#pragma once

#include "daemon/unix/fence.hpp"

#include <linux/filter.h>

#include <vector>

namespace myq {

// The part of a fence that seccomp(2) holds, as the program of its filter. For fence.cpp.

// What Landlock leaves to it.
struct CallsToHold {
    bool truncate, signals;
};

// Of this process, whose number it holds. Empty if the fence
// forbids no calls; see has_call_filter().
std::vector<sock_filter> call_filter(const Fence& fence, const CallsToHold& also);

// Whether this machine has seccomp, and this program knows the machine's calls.
bool has_call_filter();

}  // namespace myq
