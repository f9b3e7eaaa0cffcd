#pragma once

#include <unistd.h>

#include <utility>

// A file descriptor that is closed when its owner goes; -1 for none.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() {
        if (fd_ != -1) ::close(fd_);
    }

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ != -1; }

private:
    int fd_ = -1;
};
