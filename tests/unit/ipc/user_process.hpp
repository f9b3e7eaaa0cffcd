#pragma once

#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <unistd.h>

#include <array>
#include <tuple>

namespace myq::test {

// Runs `body` in a child of that user; its int is the exit status.
template <typename Body>
int as_user(uid_t user, Body body) {
    return in_child([&] {
        if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0) return 99;
        return body();
    });
}

// The checks of a child: its exit status is the line of the first that failed, 0 for none.
#define MUST(what)                                                                                 \
    if (!(what)) return __LINE__ % 256 == 0 ? 1 : __LINE__ % 256

// A process of that user that makes something and then waits to be killed, as everybody may be at
// any moment.
class Maker {
public:
    // `make` is given a function that tells the id of what it made, and returns from it never.
    template <typename Make>
    Maker(uid_t user, Make make) {
        std::array<int, 2> ends{};
        REQUIRE(pipe(ends.data()) == 0);
        pid_ = fork_child([&] {
            if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0) return 99;
            return make([&](int id) {
                std::ignore = write(ends[1], &id, sizeof id);
                for (;;)
                    pause();
            });
        });
        close(ends[1]);
        const bool told = read(ends[0], &id_, sizeof id_) == sizeof id_;
        close(ends[0]);
        REQUIRE(told);
    }
    ~Maker() { kill(); }
    Maker(const Maker&) = delete;
    Maker& operator=(const Maker&) = delete;

    int id() const { return id_; }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        wait_for(pid_);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
    int id_ = -1;
};

}  // namespace myq::test
