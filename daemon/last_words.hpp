#pragma once

#include "daemon/handler_table.hpp"
#include "daemon/slot.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace myq {

// Keeps in the slot, while a worker is alive, what its successor will want to know if a message
// kills it: which plugin and options were at work, where in the code, and the handler's last log
// lines. Costs a message one store; a log line is copied once more.
class LastWords {
public:
    // From now on a crash of this process is noted. One object in a process, for its life.
    LastWords(Slot& slot, const HandlerTable& handlers);

    // `handler`, by its place in the table, is called now.
    static void begin(std::size_t handler);

    // What a worker that did not crash, but ended all the same, would have said of its handler.
    const std::string& facts(std::size_t handler) const { return facts_[handler]; }

    // A line that the handler at work has logged. Nothing in a process without last words.
    static void keep_line(int level, std::string_view text);

private:
    std::vector<std::string> facts_;
};

// What there is to say of the message in the slot, whose last worker ended for `cause`: some lines,
// at most 4 KiB. `facts` is for one that could not say so itself.
std::string autopsy(Slot& slot, std::string_view cause, std::string_view facts);

// "plugin resize 1.2.0, build id 3f..." and its options, each on a line. What looks like a secret
// is hidden, and so are the values of variables and headers.
std::string facts_of(const LiveHandler& handler, std::string_view build_id);

}  // namespace myq
