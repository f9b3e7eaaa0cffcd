#pragma once

#include "daemon/options.hpp"

namespace myq {

// --try: hands one message to a plugin, as a worker of the daemon would, and says what became of
// it: 0 done, 75 retry, 65 reject, 70 a crash or a timeout. Standard error shows what the daemon's
// log would. Throws what a start would refuse.
int try_plugin(const Options& options);

// --check --plugin: everything that a start would refuse of one plugin, and of options for it.
int check_plugin(const Options& options);

}  // namespace myq
