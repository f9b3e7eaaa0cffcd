#pragma once

#include "daemon/body_format.hpp"
#include "daemon/handler_table.hpp"
#include "daemon/hygiene.hpp"
#include "daemon/in_hand.hpp"
#include "daemon/large_bodies.hpp"
#include "daemon/last_words.hpp"
#include "daemon/many.hpp"
#include "daemon/outcomes.hpp"
#include "daemon/source.hpp"
#include "daemon/worker.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace myq {

// One worker at work: what it does with the messages in its slot. The path from fetch() to settle()
// makes no allocation, no log call and no system call besides msgrcv; only a message that does not
// end well, or asks for more than to be handled now, costs more.
class Handling {
public:
    // The references must outlive the object.
    Handling(const WorkerTask& task, Slot& slot, const HandlerTable& handlers,
             JournalAccess& journal);

    // What the slot's last worker left, one by one. False if something must stay in the slot.
    bool settle_leftover(const WorkerSeat& seat);

    // Until asked to leave, or nothing is left to do.
    void run(Source& source);

private:
    // Whose it is that a handler did not come back.
    enum class Fault { message, nobody, new_code };
    static Fault fault_of(const WorkerSeat& seat, bool were_many);

    bool settle_hand(const WorkerSeat& seat, bool were_many);
    bool settle_attempt(const LiveHandler& handler, std::size_t row, const std::string& cause,
                        Fault fault);

    // Each is false if a message must stay in the slot.
    bool handle_all();
    bool handle();
    bool handle_it();
    bool handle_alone(const LiveHandler& handler, std::size_t row);
    bool handle_many(const LiveHandler& handler, std::size_t row, std::size_t count);
    bool settle(const LiveHandler& handler, std::size_t row, const myq_outcome& outcome);
    bool settle_failure(const LiveHandler& handler, std::size_t row, const myq_outcome& outcome);
    // `over_` if it is settled.
    bool unpack(std::size_t row);
    bool unpack_more(std::size_t row);

    // False for a body that is not of the handler's format: it was not called.
    bool call(const LiveHandler& handler);
    std::size_t gather(const LiveHandler& handler);

    const RetryConfig& policy_of(const LiveHandler& handler) const {
        return handler.config->retry ? *handler.config->retry : task_.queue.retry;
    }
    std::size_t row_of(const LiveHandler& handler) const { return rows_[place_of(handler)]; }
    std::size_t row_of(std::int64_t type) const;
    std::size_t place_of(const LiveHandler& handler) const {
        return static_cast<std::size_t>(&handler - handlers_.all().data());
    }

    const WorkerTask& task_;
    Slot& slot_;
    const HandlerTable& handlers_;
    LargeBodies bodies_;
    Outcomes outcomes_;
    LastWords last_words_;
    Hygiene hygiene_;
    std::vector<std::size_t> rows_;  // of the slot's tallies, for each handler
    InHand in_hand_;
    BodyFormat format_;
    bool over_ = false;  // it is settled without a handler
    std::array<char, 33> id_text_{};
    myq_message message_{};
    myq_outcome outcome_{};
    Many many_;
    Source* source_ =
        nullptr;  // where more may be had; nullptr: what is left is handled one by one
};

}  // namespace myq
