#pragma once

#include "ipc/envelope.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace myq {

// What the command line asks of messages beyond a type and a body. Any of it needs an envelope.
struct EnvelopeWishes {
    std::optional<std::chrono::milliseconds> delay;
    std::string at;  // as it was written
    std::optional<std::chrono::milliseconds> ttl;
    std::optional<std::string> unique;
    bool confirm = false;

    void add(CLI::App& verb);

    bool any() const { return delay || !at.empty() || ttl || unique || waits(); }

    // Whether the sender must hear what became of the message: a duplicate is told no other way.
    bool waits() const { return confirm || unique; }
};

// Puts bodies into envelopes that ask for what was wished. Times count from each envelope().
class Wrapper {
public:
    // Throws Failure for wishes that cannot be: a time that is none, a message that is worthless
    // before it is due. `now_ms` is what --at is read against.
    Wrapper(const EnvelopeWishes& wishes, std::int64_t now_ms);

    // An envelope that asks for it, without an id and a body. Good while the object lives.
    Envelope envelope(std::int64_t now_ms) const;

    // How many bytes that makes a message longer.
    std::size_t overhead() const;

private:
    std::optional<std::int64_t> due_ms_;  // from --at
    std::optional<std::chrono::milliseconds> delay_, ttl_;
    std::string unique_;
    bool waits_;
};

}  // namespace myq
