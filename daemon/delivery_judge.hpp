#pragma once

#include "daemon/crew.hpp"
#include "daemon/delivery.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace myq {

// The judge of a delivery: whether its code does no worse than that of before. It sees what a
// supervisor sees: how workers end, and the tallies in their slots.
//
// First the canaries work beside the workers of before. They are proven when they have settled
// enough messages, or after a short while. Then all workers are new, and their code stays on
// probation until it has settled enough: a queue may be idle while its plugin is replaced.
class DeliveryJudge {
public:
    // With the canaries hired and not forked yet. `crew` must outlive the object.
    DeliveryJudge(Delivery delivery, const Crew& crew);

    const Delivery& delivery() const { return delivery_; }
    bool is_canary(const WorkerSpec& spec) const;

    struct Verdict {
        enum class Kind { undecided, proven, refused } kind = Kind::undecided;
        std::string reason = {};  // of a refusal
    };
    // To be asked whenever something may have happened, and when next_look() says.
    Verdict judge(Clock::time_point now);
    std::optional<Clock::time_point> next_look(Clock::time_point now) const;

    // The canaries are proven, and all workers have the new code.
    void begin_probation(Clock::time_point now);
    bool is_on_probation() const { return on_probation_; }

    // A worker has ended with its code, over a message that meets new code, or over none.
    bool concerns(const WorkerProcess& worker, const WorkerProcess::End& end) const;
    // How a worker has ended: why that speaks against the new code, nullopt if it does not.
    std::optional<std::string> held_against(const WorkerProcess& worker,
                                            const WorkerProcess::End& end);

private:
    // Settled messages of types that have got other code.
    struct Account {
        std::uint64_t settled = 0, failed = 0;
        double failure_rate() const;
    };
    enum class Whose { of_new_code, of_old_code };

    void remember_slots();
    bool has_new_code(const WorkerProcess& worker) const;
    Account account_since_begin(const std::string& queue, Whose whose) const;
    Account account_of(const std::string& queue, const std::vector<TallyRow>& rows) const;
    bool has_settled_enough() const;
    std::optional<std::string> what_fails_more() const;

    Delivery delivery_;
    const Crew* crew_;
    std::map<std::string, std::vector<TallyRow>> at_begin_;  // by slot
    std::map<std::string, Account> before_;                  // by queue with new code
    Clock::time_point began_ = Clock::now();
    std::optional<Clock::time_point> ready_since_;
    bool on_probation_ = false;
    int kills_ = 0;
};

}  // namespace myq
