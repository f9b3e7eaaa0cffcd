#include "daemon/exit_code.hpp"

#include "config/config.hpp"
#include "daemon/plugin_image.hpp"
#include "daemon/unix/pid_file.hpp"
#include "ipc/ipc_error.hpp"
#include "journal/journal.hpp"

#include <sysexits.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace myq {

int exit_code(const std::exception& failure) {
    if (dynamic_cast<const AlreadyRunning*>(&failure) != nullptr) return EXIT_FAILURE;
    // Somebody else's queue under our key: the key must change, or the queue must go.
    if (const auto* ipc = dynamic_cast<const IpcError*>(&failure)) {
        if (ipc->error() == EPERM && ipc->call() == IpcCall::msgget) return EX_CONFIG;
        if (ipc->error() == ENOSPC) return EX_CANTCREAT;
    }
    if (const auto* journal = dynamic_cast<const JournalError*>(&failure)) {
        return journal->kind() == JournalError::Kind::denied ? EX_NOPERM : EX_OSERR;
    }
    if (const auto* system = dynamic_cast<const std::system_error*>(&failure)) {
        const int error = system->code().value();
        if (error == EACCES || error == EPERM) return EX_NOPERM;
        if (error == EROFS || error == ENOSPC || error == ENOENT) return EX_CANTCREAT;
        return EX_OSERR;
    }
    const bool config = dynamic_cast<const ConfigError*>(&failure) != nullptr ||
                        dynamic_cast<const PluginError*>(&failure) != nullptr ||
                        dynamic_cast<const std::invalid_argument*>(&failure) != nullptr;
    return config ? EX_CONFIG : EX_SOFTWARE;
}

}  // namespace myq
