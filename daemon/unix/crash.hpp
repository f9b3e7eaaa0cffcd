#pragma once

#include <cstdint>
#include <span>

namespace myq {

// How this process comes to die of a signal that a fault or abort(3) raised.
struct Crash {
    int signal;
    int code;                       // si_code of sigaction(2)
    std::uint64_t address;          // where the fault was, if it was one
    std::span<void* const> frames;  // where it happened, then who called that
};

// From now on `note` is called when the process crashes: once without frames, then, if they can be
// had, with them. It runs in a signal handler, possibly on a stack of its own, and may call only
// what is async-signal-safe. The process ends by the same signal as without all this, whatever goes
// wrong in `note` and within two seconds. Somebody else's handlers are left alone.
void note_crashes(void (*note)(const Crash& crash));

}  // namespace myq
