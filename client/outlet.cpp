#include "client/outlet.hpp"

#include "client/counted.hpp"
#include "client/waiting.hpp"
#include "config/duration.hpp"

#include <fmt/format.h>

namespace myq {

bool Outlet::try_put(std::span<const std::byte> bytes) const {
    Waiting::check();
    if (place_.queue.send(type_, bytes, Wait::no) == SendStatus::sent) return true;
    refuse_what_never_fits(bytes.size());
    if (patience_.nowait) throw full("try again later, or wait with --timeout");
    return false;
}

void Outlet::put(std::span<const std::byte> bytes, Progress& progress) const {
    if (try_put(bytes)) return;
    const bool sent =
        Waiting::until([&] { return place_.queue.send(type_, bytes) == SendStatus::sent; },
                       patience_.timeout, [&] { progress.wait(fullness()); });
    if (!sent) throw still_full();
}

std::string Outlet::fullness() const {
    const QueueStat stat = place_.queue.stat_any();
    return fmt::format("queue full ({} of {} bytes, {})", stat.bytes, stat.capacity,
                       counted(stat.messages, "message"));
}

Failure Outlet::still_full() const {
    return full(fmt::format("nothing was taken from it for {}: is its reader running?",
                            duration_text(*patience_.timeout)));
}

Failure Outlet::full(const std::string& advice) const {
    return {ExitCode::try_later, fmt::format("{}: {}: {}", place_.name, fullness(), advice)};
}

// The kernel lets such a sender wait for ever.
void Outlet::refuse_what_never_fits(std::size_t size) const {
    const QueueStat stat = place_.queue.stat_any();
    if (size <= stat.capacity && stat.capacity > 0) return;
    throw Failure(ExitCode::data,
                  fmt::format("{}: a body of {} bytes never fits into a queue of {}: send less, or "
                              "raise the capacity: myq set --id {} --capacity N",
                              place_.name, size, stat.capacity, stat.id));
}

}  // namespace myq
