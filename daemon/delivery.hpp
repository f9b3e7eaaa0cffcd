#pragma once

#include "daemon/generation.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// What a message of a type meets in a delivered generation.
enum class CodeChange {
    none,      // the code of before
    replaced,  // other code than before
    added      // code where there was none, or another plugin's
};

// New code for workers, while the daemon works.
struct Delivery {
    // The workers as they are to be. Those that stay as they are, are those of the generation that
    // works now.
    Generation generation;
    // Of its workers, one for each queue that gets new code: it takes messages before the others
    // come. None where nothing is to be tried.
    std::vector<std::shared_ptr<const WorkerSpec>> canaries = {};
    // For messages of a type of a queue; 0 stands for every type without a handler of its own.
    std::function<CodeChange(const std::string& queue, std::int64_t type)> change = {};
};

// Where new code comes from, as the supervisor sees it: nothing here waits for anybody.
class Deliveries {
public:
    Deliveries() = default;
    virtual ~Deliveries() = default;
    Deliveries(const Deliveries&) = delete;
    Deliveries& operator=(const Deliveries&) = delete;

    // What wakes it, and when it wants to be asked again at the latest.
    virtual std::vector<int> fds() const = 0;
    virtual std::optional<Clock::time_point> next_look() const = 0;

    // Does what is to be done.
    virtual void look() = 0;
    // What has arrived. Not asked while a delivery or a reload is under way.
    virtual std::optional<Delivery> next(const Generation& current) = 0;

    // The generation that came last, by next() or a reload, is the current one: those of before
    // finish what they have in hand.
    virtual void accepted() = 0;
    // And now the last of them is gone.
    virtual void works_alone() = 0;
    // It does not, and why; also after it was accepted, and then next() brings the code of before.
    virtual void rejected(const std::string& reason) = 0;
    // A reload comes first. What was under way is offered again.
    virtual void postponed() = 0;

    // A worker of the first generation cannot start: another first generation, without the code
    // that nobody asked for and that is to blame; nullopt where there is none.
    virtual std::optional<Generation> without_culprits() = 0;
};

}  // namespace myq
