#pragma once

#include <unistd.h>

#include <array>
#include <stdexcept>

namespace myq::test {

// Lets a process that was forked wait for its parent: nobody may have a journal open while forking
// a process that opens one, so whatever has to be there first is made after the fork.
class Gate {
public:
    Gate() {
        if (::pipe(ends_.data()) != 0) throw std::runtime_error("pipe");
    }
    ~Gate() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    void open(int times = 1) const {
        for (int i = 0; i < times; ++i) {
            if (::write(ends_[1], "!", 1) != 1) throw std::runtime_error("write");
        }
    }
    // Returns when it was opened for one more.
    void pass() const {
        char byte = 0;
        if (::read(ends_[0], &byte, 1) != 1) throw std::runtime_error("read");
    }

private:
    std::array<int, 2> ends_{};
};

}  // namespace myq::test
