#pragma once

#include "plugins/fd.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

// What to run. No shell: the words arrive in the program as they are.
struct Command {
    std::vector<std::string> argv;  // argv[0] is an absolute path
    std::string directory;
};

// One run of a command, in a process group of its own, with default signals, an empty signal mask
// and no descriptor but 0, 1 and 2. Dies with the process that made it, even by SIGKILL; what the
// command itself starts does not.
class Child {
public:
    // How it ended, as waitid(2) tells.
    struct End {
        bool by_signal = false;
        int code = 0;  // the exit status or the signal
    };

    // Throws std::system_error that names the call that failed, exec included. `in`, `out` and
    // `err` become 0, 1 and 2 and stay open here.
    Child(const Command& command, const std::vector<std::string>& environment, const Fd& in,
          const Fd& out, const Fd& err);

    // A child that was not reaped is killed with its group: nobody waits for its answer any more.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // Readable once the child has ended; for poll(2).
    int pidfd() const { return pidfd_.get(); }

    // To the child and everything it started that stayed in its group. Only before reap(): until
    // then the ended child keeps its number from being given to a stranger.
    void signal_group(int signal) const;

    // Waits for the end.
    End reap();

private:
    pid_t pid_ = -1;  // -1 once it is reaped
    Fd pidfd_;
};

// Makes sure that a descriptor is none of 0, 1 and 2, which a child's set-up overwrites.
Fd above_standard(Fd fd);
