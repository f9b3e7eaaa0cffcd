#pragma once

#include "daemon/unix/owned.hpp"

#include <filesystem>

namespace myq {

// A private directory in /tmp, 0700, that is removed with everything in it when the object ends,
// and also when its process is killed: a second process waits for that, and does nothing else.
class ScratchDirectory {
public:
    ScratchDirectory();  // throws std::system_error
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }
    // Who works in the directory keeps this open: it is removed when nobody has it any more.
    int alive() const { return alive_.value(); }

private:
    std::filesystem::path path_;
    Fd alive_;  // the other end reads an end of file once nobody of ours is left
    ChildPid janitor_;
};

}  // namespace myq
