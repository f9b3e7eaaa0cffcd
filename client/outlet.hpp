#pragma once

#include "client/failure.hpp"
#include "client/place.hpp"
#include "client/progress.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace myq {

// How long a sender waits for room.
struct Patience {
    bool nowait = false;
    std::optional<std::chrono::milliseconds> timeout;  // not set: for ever
};

// Puts messages of one type into one queue, as patiently as the user wants.
class Outlet {
public:
    // `place` must outlive it.
    Outlet(const Place& place, std::int64_t type, const Patience& patience)
        : place_(place),
          type_(type),
          patience_(patience) {}

    const Place& place() const { return place_; }
    const Patience& patience() const { return patience_; }

    // False when the queue is full just now. Failure if it always will be for such a message, or if
    // it must not be waited for.
    bool try_put(std::span<const std::byte> bytes) const;

    // Waits for room, saying why; Failure when that took too long.
    void put(std::span<const std::byte> bytes, Progress& progress) const;

    // "queue full (16384 of 16384 bytes, 256 messages)"; needs no permission to look.
    std::string fullness() const;

    Failure still_full() const;

private:
    Failure full(const std::string& advice) const;
    void refuse_what_never_fits(std::size_t size) const;

    const Place& place_;
    std::int64_t type_;
    Patience patience_;
};

}  // namespace myq
