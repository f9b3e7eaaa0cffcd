#pragma once

#include <filesystem>

namespace myq::bench {

// A directory of this program's own, removed with all that is in it.
class OwnDirectory {
public:
    // In memory, where there is a tmpfs: that is where an installed daemon has its slots.
    OwnDirectory();
    // In `parent`, which is made if it is missing.
    explicit OwnDirectory(const std::filesystem::path& parent);
    ~OwnDirectory();
    OwnDirectory(const OwnDirectory&) = delete;
    OwnDirectory& operator=(const OwnDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace myq::bench
