#pragma once

#include "daemon/unix/process_handle.hpp"

#include <string>
#include <string_view>

namespace myq {

// Code of plugins gets no terminal, and least of all root's: whoever has one for its own can type
// commands into it (TIOCSTI), read what is typed, and write what it obeys.

// In a child, before such code runs: no controlling terminal, and none as descriptor 0 to 2. What
// was a terminal is /dev/null then; standard output is standard error where that is none.
void leave_terminal();

// In a process that must go on where it is, for a debugger: no controlling terminal.
void lose_controlling_terminal();

// While it lives, standard error is no terminal. If it was one, a process of its own reads what is
// written there, in this process and its children, and shows each line on the terminal once `plain`
// has made it fit for that. At its end, what was written is shown; a child that still holds
// standard error is waited for two seconds.
class TerminalShield {
public:
    using Plain = std::string (*)(std::string_view line);

    explicit TerminalShield(Plain plain);
    ~TerminalShield();
    TerminalShield(const TerminalShield&) = delete;
    TerminalShield& operator=(const TerminalShield&) = delete;

private:
    ChildPid relay_;
    ProcessHandle end_of_relay_;
};

}  // namespace myq
