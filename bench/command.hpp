#pragma once

#include "daemon/unix/owned.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace myq::bench {

// A program that was started, and what it says on standard output and standard error.
class Command {
public:
    // Searched in PATH when it has no '/'. Throws std::system_error when it cannot be started.
    explicit Command(const std::vector<std::string>& words);
    ~Command();
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    // Waits for the next line; "" when there is none any more.
    std::string read_line();
    void signal(int number) const;
    // Waits for the end, and returns the exit status; 128 and the signal if one ended it.
    int wait();
    std::string rest();

private:
    Fd output_;
    pid_t pid_ = -1;
    std::string unread_;
};

}  // namespace myq::bench
