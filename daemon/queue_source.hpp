#pragma once

#include "config/config.hpp"
#include "daemon/slot.hpp"
#include "daemon/unix/privileges.hpp"
#include "ipc/message_queue.hpp"

namespace myq {

enum class Fetch {
    message,       // the slot is occupied
    interrupted,   // a signal came; look whether it was the one to leave
    does_not_fit,  // a message waits that is longer than the slot, which was told so
};

// Where a worker takes its messages from: a kernel queue, one msgrcv(2) a message, straight into
// the slot.
class QueueSource {
public:
    // Attaches the queue, which must exist or may be made. `config` must outlive the source.
    QueueSource(const QueueConfig& config, Selector selector, const Identity& service);

    // Waits for a message. A queue that was removed is made again, and one line says so.
    // Throws IpcError for what waiting cannot mend, such as EACCES.
    Fetch fetch(Slot& slot);

private:
    void attach_again();

    const QueueConfig& config_;
    Selector selector_;
    Identity service_;
    MessageQueue queue_;
};

}  // namespace myq
