#pragma once

#include "daemon/control_socket.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// How the last reload ended.
struct ReloadVerdict {
    std::int64_t at_ms = 0;
    std::string refusal;  // why the configuration of before stays; "" if it does not
};

// Who has asked for a reload on the control socket, until they know how it ended. Waits for nobody.
class ReloadCallers {
public:
    // False for one too many: it is hung up on.
    bool take(ControlSocket::Caller& caller);

    // Those who ask from now on ask for another one.
    void begins();

    // Tells everybody for whom it was made.
    void ended(const std::string& refusal);

    const std::optional<ReloadVerdict>& last() const { return last_; }

private:
    std::vector<ControlSocket::Caller> waiting_, served_;
    std::optional<ReloadVerdict> last_;
};

}  // namespace myq
