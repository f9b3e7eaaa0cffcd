#include "daemon/control_callers.hpp"

#include "daemon/unix/failure.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace myq {

namespace {

constexpr std::size_t longest_question = 256;
// Answered at a time, of one user and of all but root and the service user: these two find two
// places always.
constexpr std::ptrdiff_t most_served = 2;
constexpr std::ptrdiff_t most_strangers_served = 6;
// Connected and not served yet, likewise. Who comes to a full room takes the place of the one who
// has been there longest: whoever has a question asks it at once.
constexpr std::ptrdiff_t most_waiting = 8;
constexpr std::ptrdiff_t most_strangers_waiting = 64;

}  // namespace

ControlCallers::ControlCallers(const ControlSocket& socket, uid_t service)
    : socket_(socket),
      service_(service),
      events_(::epoll_create1(EPOLL_CLOEXEC)) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = socket.fd()}};
    if (!events_ || ::epoll_ctl(events_.value(), EPOLL_CTL_ADD, socket.fd(), &event) != 0)
        throw failure("epoll");
}

void ControlCallers::look(const Answer& answer) {
    std::array<epoll_event, 16> events{};
    const int count =
        ::epoll_wait(events_.value(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events.at(static_cast<std::size_t>(i));
        if (event.data.fd == socket_.fd()) {
            take_new();
        } else {
            hear(event.data.fd, (event.events & (EPOLLHUP | EPOLLERR)) != 0);
        }
    }
    serve(answer);
}

void ControlCallers::take_new() {
    auto caller = socket_.accept();
    if (!caller) return;
    make_room_for(caller->uid);
    places_.push_back({std::move(*caller), {}, false, 0});
    watch(places_.back(), EPOLL_CTL_ADD, EPOLLIN);
}

void ControlCallers::make_room_for(uid_t user) {
    const auto waits = [](const Place& place) { return place.clerk == 0; };
    const auto of_user = [&](const Place& place) {
        return waits(place) && place.caller.uid == user;
    };
    const auto of_strangers = [&](const Place& place) {
        return waits(place) && !is_reserved(place.caller.uid);
    };
    if (std::ranges::count_if(places_, of_user) >= most_waiting)
        hang_up(std::ranges::find_if(places_, of_user));
    if (!is_reserved(user) &&
        std::ranges::count_if(places_, of_strangers) >= most_strangers_waiting)
        hang_up(std::ranges::find_if(places_, of_strangers));
}

void ControlCallers::hear(int connection, bool has_left) {
    const auto place = std::ranges::find(
        places_, connection, [](const Place& one) { return one.caller.connection.value(); });
    if (place == places_.end() || place->clerk != 0) return;
    if (place->is_whole) {
        if (has_left) return hang_up(place);
        return watch(*place, EPOLL_CTL_MOD, 0);  // woken by ended()
    }
    std::array<char, longest_question> part{};
    const ssize_t size =
        ::recv(connection, part.data(), longest_question - place->said.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size > 0) place->said.append(part.data(), static_cast<std::size_t>(size));
    const std::size_t end = place->said.find('\n');
    // Who stops in the middle of the line has said what they said.
    place->is_whole =
        size <= 0 || end != std::string::npos || place->said.size() == longest_question;
    if (!place->is_whole) return;
    place->said.resize(std::min(end, place->said.size()));
    if (place->said.empty()) return hang_up(place);
    watch(*place, EPOLL_CTL_MOD, 0);
}

void ControlCallers::serve(const Answer& answer) {
    for (auto place = places_.begin(); place != places_.end();) {
        const auto here = place++;
        if (!here->is_whole || here->clerk != 0 || !may_be_served(here->caller.uid)) continue;
        watch(*here, EPOLL_CTL_DEL, 0);
        here->clerk = answer(here->caller, here->said);
        if (here->clerk == 0) hang_up(here);
    }
}

bool ControlCallers::may_be_served(uid_t user) const {
    const auto of_user = [&](const Place& place) {
        return place.clerk != 0 && place.caller.uid == user;
    };
    const auto of_strangers = [&](const Place& place) {
        return place.clerk != 0 && !is_reserved(place.caller.uid);
    };
    if (std::ranges::count_if(places_, of_user) >= most_served) return false;
    return is_reserved(user) ||
           std::ranges::count_if(places_, of_strangers) < most_strangers_served;
}

void ControlCallers::ended(pid_t child) {
    const auto place = std::ranges::find(places_, child, &Place::clerk);
    if (child == 0 || place == places_.end()) return;
    hang_up(place);
    // Somebody else's turn may have come: a connection can be written at once, which makes fd()
    // readable.
    for (const Place& waiting : places_) {
        if (waiting.is_whole && waiting.clerk == 0) watch(waiting, EPOLL_CTL_MOD, EPOLLOUT);
    }
}

void ControlCallers::watch(const Place& place, int operation, std::uint32_t events) const {
    epoll_event event{.events = events, .data = {.fd = place.caller.connection.value()}};
    ::epoll_ctl(events_.value(), operation, event.data.fd, &event);
}

// A child that was forked meanwhile may have a copy of the descriptor.
void ControlCallers::hang_up(PlaceOf place) {
    if (place->clerk == 0) watch(*place, EPOLL_CTL_DEL, 0);
    ::shutdown(place->caller.connection.value(), SHUT_RDWR);
    places_.erase(place);
}

}  // namespace myq
