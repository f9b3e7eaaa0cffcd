#pragma once

#include "ipc/printable.hpp"

#include <cstdio>
#include <string>

namespace myq {

// A sentence for whoever called myqd, on standard error; plugins and files may have put words into
// it.
inline void complain(const std::string& sentence) {
    std::fprintf(stderr, "myqd: %s\n", plain_lines(sentence).c_str());
}

}  // namespace myq
