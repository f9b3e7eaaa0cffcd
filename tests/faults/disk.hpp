#pragma once

#include <cstdint>
#include <filesystem>

namespace myq::test {

// An ext4 file system of the test's own, with nothing below it but memory: a file in the world's
// /mnt, by a loop device. It belongs to the service user, like a journal's directory.
class Disk {
public:
    // Makes it, of `bytes`, and mounts it at `where`, which is made too. Where that cannot be had
    // the test ends here, skipped.
    Disk(std::filesystem::path where, std::uint64_t bytes);
    ~Disk();
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;

    const std::filesystem::path& path() const { return where_; }

    // The power is cut: what nobody has flushed to the disk is not written any more, and every
    // write from here on fails.
    void cut_power() const;
    // The machine is up again. Nobody may have a file open there.
    void come_back() const;

    // Fills the disk to the last byte, but for `left` bytes, with a file that empty() removes.
    void fill(std::uint64_t left = 0) const;
    void empty() const;

private:
    void mount() const;

    std::filesystem::path where_;
    std::filesystem::path image_;
};

}  // namespace myq::test
