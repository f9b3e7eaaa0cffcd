#pragma once

#include "daemon/handler_table.hpp"
#include "daemon/unix/privileges.hpp"
#include "ipc/envelope.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

namespace myq {

// One message for one handler, without a daemon.
struct Trial {
    Route route;
    Identity service;           // whom this process runs as, for the worker to know
    std::string queue = "try";  // what the handler is told
    std::int64_t type = 1;
    MessageId id;
    std::uint32_t attempt = 1;
    std::string body;
};

// What became of the message.
struct TrialEnd {
    enum class What { done, retry, reject, crash, timeout } what = What::done;
    std::string reason;                              // "" for done
    std::optional<std::chrono::milliseconds> delay;  // with retry: until the next attempt
};

// The trial did not come to its message: the handler did not start, or somebody pressed Ctrl-C.
class TrialFailure : public std::runtime_error {
public:
    TrialFailure(int exit_code, const std::string& sentence)
        : std::runtime_error(sentence),
          exit_code_(exit_code) {}
    int exit_code() const { return exit_code_; }

private:
    int exit_code_;
};

// The message goes through a real worker: it is put into a journal of its own, a worker process
// takes it from there into a slot and calls the handler, and what the journal then holds of it is
// what became of it. This process is the worker's supervisor, for one attempt. To be called after
// the drop of privileges. Throws TrialFailure.
TrialEnd run_trial(const Trial& trial);

// The same with the worker in this very process, for a debugger: no timeout ends it, and a crash is
// the process's own.
TrialEnd run_trial_here(const Trial& trial);

}  // namespace myq
