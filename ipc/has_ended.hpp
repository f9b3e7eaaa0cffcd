#pragma once

#include <errno.h>
#include <signal.h>
#include <sys/types.h>

namespace myq {

// Whether there is no process of that number any more. 0, an unknown one, has not ended.
inline bool has_ended(pid_t process) {
    return process > 0 && ::kill(process, 0) != 0 && errno == ESRCH;
}

}  // namespace myq
