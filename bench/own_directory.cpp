#include "bench/own_directory.hpp"

#include <stdlib.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace myq::bench {

namespace {

using Path = std::filesystem::path;

Path place_in_memory() {
    std::error_code ignored;
    return std::filesystem::is_directory("/dev/shm", ignored) ? "/dev/shm" : "/tmp";
}

}  // namespace

OwnDirectory::OwnDirectory() : OwnDirectory(place_in_memory()) {}

OwnDirectory::OwnDirectory(const Path& parent) {
    std::filesystem::create_directories(parent);
    std::string name = std::filesystem::absolute(parent) / "myq-bench.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
    }
    path_ = name;
    // The daemon's user must be able to pass through.
    std::filesystem::permissions(path_, std::filesystem::perms{0755});
}

OwnDirectory::~OwnDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace myq::bench
