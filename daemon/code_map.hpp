#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace myq {

// What code is where in this process: the program, its libraries and its plugins, as they are when
// read() is called. Looking something up is async-signal-safe.
class CodeMap {
public:
    struct Module {
        std::uintptr_t begin = 0, end = 0;
        std::uintptr_t base = 0;  // what an address is counted from
        std::string name;         // "resize.so"
        std::string build_id;     // hexadecimal, "" for none
    };

    void read();

    // Where `address` is; nullptr for code that came later, or none.
    const Module* find(const void* address) const;
    // The file that holds `address` is called this; the dynamic linker knows plugins by
    // descriptors.
    void rename(const void* address, const std::string& name);

private:
    static constexpr std::size_t most_modules = 256;
    Module modules_[most_modules];
    std::size_t count_ = 0;
};

}  // namespace myq
