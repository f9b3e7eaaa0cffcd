#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <system_error>

namespace myq::test {

// The counters that the plugin `ledger` keeps: how often each message, by its number, was handed to
// a handler.
class Ledger {
public:
    Ledger(const std::filesystem::path& file, std::size_t messages) : size_(messages) {
        const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd < 0 || ::fchmod(fd, 0666) != 0 ||
            ::ftruncate(fd, static_cast<off_t>(bytes())) != 0) {
            throw std::system_error(errno, std::generic_category(), file.string());
        }
        void* memory = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ::close(fd);
        if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
        counters_ = static_cast<std::uint64_t*>(memory);
    }
    ~Ledger() { ::munmap(counters_, bytes()); }
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    std::uint64_t times(std::size_t message) const {
        return __atomic_load_n(counters_ + message, __ATOMIC_SEQ_CST);
    }
    // How many were never handled, of the first `messages` or of all, and how often any was handled
    // once too often.
    std::size_t missing() const { return missing(size_); }
    std::size_t missing(std::size_t messages) const {
        std::size_t found = 0;
        for (std::size_t i = 0; i < messages; ++i)
            found += times(i) == 0 ? 1U : 0U;
        return found;
    }
    std::uint64_t repeated() const {
        std::uint64_t found = 0;
        for (std::size_t i = 0; i < size_; ++i)
            found += times(i) > 1 ? times(i) - 1 : 0;
        return found;
    }

private:
    std::size_t bytes() const { return size_ * sizeof(std::uint64_t); }

    std::size_t size_;
    std::uint64_t* counters_ = nullptr;
};

}  // namespace myq::test
