#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

// What can be seen of a shared object without loading it.
struct ElfFacts {
    std::vector<std::string> exported;  // names, without the unique ones
    std::vector<std::string> unique;    // STB_GNU_UNIQUE: one for the whole process
    std::vector<std::string> imported;
    std::optional<std::string> run_path;  // DT_RPATH or DT_RUNPATH
    bool has_text_relocations = false;
    bool has_executable_stack = false;
    bool has_relro = false;
    bool binds_now = false;
    bool has_build_id = false;
};

// The bytes are a stranger's. Throws std::runtime_error with a sentence when they are no shared
// object, or one that is damaged.
ElfFacts read_elf(std::string_view bytes);

}  // namespace myq
