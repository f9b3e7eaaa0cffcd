#include "daemon/unix/shared_mappings.hpp"

#include "daemon/unix/failure.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace myq {

namespace {

struct Mapping {
    std::uintptr_t begin = 0, end = 0;
    bool is_shared_and_writable = false;
};

// proc(5): "7f0c1000-7f0c2000 rw-s 00000000 00:01 1024 /dev/zero (deleted)"
Mapping mapping_of(const std::string& line) {
    Mapping mapping;
    char dash = 0;
    std::string rights;
    std::istringstream text(line);
    text >> std::hex >> mapping.begin >> dash >> mapping.end >> rights;
    mapping.is_shared_and_writable = rights.size() == 4 && rights[1] == 'w' && rights[3] == 's';
    return mapping;
}

}  // namespace

void unmap_shared_but(const std::vector<const void*>& keep) {
    std::ifstream maps("/proc/self/maps");
    if (!maps) throw failure("/proc/self/maps");
    std::vector<Mapping> others;
    for (std::string line; std::getline(maps, line);) {
        const Mapping mapping = mapping_of(line);
        const bool is_kept = std::any_of(keep.begin(), keep.end(), [&](const void* address) {
            const auto at = reinterpret_cast<std::uintptr_t>(address);  // NOLINT: compared only
            return at >= mapping.begin && at < mapping.end;
        });
        if (mapping.is_shared_and_writable && !is_kept) others.push_back(mapping);
    }
    for (const Mapping& other : others) {
        void* begin = reinterpret_cast<void*>(other.begin);  // NOLINT: of a mapping
        if (::munmap(begin, other.end - other.begin) != 0) throw failure("munmap");
    }
}

}  // namespace myq
