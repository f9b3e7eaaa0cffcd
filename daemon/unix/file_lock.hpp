#pragma once

#include "daemon/unix/owned.hpp"

// POSIX write locks over a whole file (fcntl(2), "Advisory record locking"): the kernel drops one
// when its owner dies, does not hand it on by fork(), and names the owner to whoever asks
// (ipc/lock_holder.hpp). It is also dropped when the owner closes any descriptor of the file, so
// such a file is opened once.
namespace myq {

// False if another process has it. Throws std::system_error.
bool try_lock(const Fd& file);

}  // namespace myq
