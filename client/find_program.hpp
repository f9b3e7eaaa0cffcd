#pragma once

#include <string>

namespace myq {

// The program in the system's directories, where only root looks for a daemon, else its bare name,
// for execvp(3) to look in $PATH.
std::string found(const std::string& program);

}  // namespace myq
