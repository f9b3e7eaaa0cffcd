#pragma once

#include "daemon/control_socket.hpp"
#include "daemon/unix/owned.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>

namespace myq {

// Who has connected to the control socket, until they are answered. Waits for nobody: a caller who
// says nothing costs a descriptor, and a place that only the same user could have had.
class ControlCallers {
public:
    // `socket` must outlive it; `service` is the daemon's user.
    ControlCallers(const ControlSocket& socket, uid_t service);

    // Readable when look() may find something.
    int fd() const { return events_.value(); }

    // Takes who connects and hears what they say. Calls `answer` for each whole question whose turn
    // has come; it returns the process that answers, or 0 for nobody, which hangs up unless the
    // caller was taken out of its argument.
    using Answer = std::function<pid_t(ControlSocket::Caller&, const std::string& question)>;
    void look(const Answer& answer);

    // Of any child that has ended.
    void ended(pid_t child);

private:
    struct Place {
        ControlSocket::Caller caller;
        std::string said;
        bool is_whole = false;  // what it said
        pid_t clerk = 0;
    };
    using PlaceOf = std::list<Place>::iterator;

    void take_new();
    void make_room_for(uid_t user);
    void hear(int connection, bool has_left);
    void serve(const Answer& answer);
    bool may_be_served(uid_t user) const;
    bool is_reserved(uid_t user) const { return user == 0 || user == service_; }
    void watch(const Place& place, int operation, std::uint32_t events) const;
    void hang_up(PlaceOf place);

    const ControlSocket& socket_;
    uid_t service_;
    Fd events_;
    std::list<Place> places_;  // in order of coming
};

}  // namespace myq
