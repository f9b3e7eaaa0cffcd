#pragma once

#include "ipc/reply.hpp"

#include <string>

namespace myq {

// How far a called handler is: one line on standard error, only if that is a terminal. Gone at the
// end.
class CallProgress {
public:
    CallProgress();
    ~CallProgress() { clear(); }
    CallProgress(const CallProgress&) = delete;
    CallProgress& operator=(const CallProgress&) = delete;

    void show(const Reply& news);
    void clear();

private:
    bool is_shown_;
    bool drawn_ = false;
};

// "[######------]  50 %  resizing", or "7 done  resizing" where nobody knows of how many. What is
// not printable in the handler's words is escaped.
std::string progress_line(const Reply& news);

}  // namespace myq
