#pragma once

#include <optional>
#include <string>
#include <vector>

namespace myq::doctor {

// What a program did.
struct Ran {
    int status = 0;   // as wait(2) has it: 0 is success
    std::string out;  // what it wrote to standard output
    std::string err;  // ... and to standard error
};

// Runs a program that is looked for in the system's directories first, and in $PATH then; with
// nothing on its standard input. nullopt if there is none.
std::optional<Ran> run(const std::vector<std::string>& command);

}  // namespace myq::doctor
