#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace myq::test {

// What a command did.
struct Run {
    int exit_code = -1;  // 128 + the signal that ended it
    std::string out, err;
};

// Runs a command to its end, with an empty standard input. A command that detaches may leave a
// process behind: what is read ends with the command, not with the last holder of its output.
Run run(const std::vector<std::string>& command);

// Waits until `happened`, at most for a minute; false when it did not. For what tells nobody
// when it happens: it looks again every millisecond.
bool eventually(const std::function<bool()>& happened);

}  // namespace myq::test
