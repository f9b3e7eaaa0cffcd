#pragma once

#include "ipc/ipc_error.hpp"

#include <stdexcept>
#include <string>

namespace myq {

// What myq exits with: the numbers of sysexits.h, with the meaning that the manual gives them.
enum class ExitCode {
    ok = 0,
    usage = 64,
    data = 65,           // a body or type that cannot be sent, a message that does not fit
    no_input = 66,       // the input cannot be read
    unavailable = 69,    // no such queue, no daemon, no such message
    internal = 70,       // a bug
    system = 71,         // the system refused something that is not about the queue
    cannot_create = 73,  // the queue exists already or there are too many
    try_later = 75,      // full, empty, timed out or not unique
    permission = 77,
    config = 78
};

// A command that failed as the manual says it may. what() is "what: why: what to do".
class Failure : public std::runtime_error {
public:
    Failure(ExitCode code, const std::string& text) : std::runtime_error(text), code_(code) {}

    ExitCode code() const { return code_; }

private:
    ExitCode code_;
};

// The end of a verb whose answer is its exit status, with nothing to be said.
struct QuietExit {
    int status;
};

// The same failure in the words and numbers of this program.
Failure as_failure(const IpcError& error);

// Prints the exception that is being handled on standard error; says what to exit with.
ExitCode report_current_exception() noexcept;

}  // namespace myq
