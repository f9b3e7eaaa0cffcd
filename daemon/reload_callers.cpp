#include "daemon/reload_callers.hpp"

#include "daemon/unix/clock.hpp"
#include "ipc/printable.hpp"

#include <nlohmann/json.hpp>

#include <sys/socket.h>

#include <iterator>
#include <utility>

namespace myq {

namespace {

// More than this do not get to their turn one after the other.
constexpr std::size_t most_callers = 16;

}  // namespace

bool ReloadCallers::take(ControlSocket::Caller& caller) {
    if (waiting_.size() + served_.size() >= most_callers) return false;
    waiting_.push_back(std::move(caller));
    return true;
}

void ReloadCallers::begins() {
    std::ranges::move(waiting_, std::back_inserter(served_));
    waiting_.clear();
}

void ReloadCallers::ended(const std::string& refusal) {
    last_ = {wall_clock_ms(), refusal};
    const std::string answer = json_line(nlohmann::ordered_json{{"refused", refusal}});
    for (const ControlSocket::Caller& caller : served_) {
        // It fits into the socket's buffer, or nobody reads there.
        [[maybe_unused]] const ssize_t ignored = ::send(caller.connection.value(), answer.data(),
                                                        answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        // A child that was forked meanwhile may have a copy of the descriptor.
        ::shutdown(caller.connection.value(), SHUT_RDWR);
    }
    served_.clear();
}

}  // namespace myq
