#pragma once

#include "client/confirm_window.hpp"
#include "client/sender.hpp"
#include "ipc/reply_queue.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace myq {

// Sends in envelopes that ask for a confirmation, with a window of messages in flight. It never
// waits for room while answers may come: the daemon drops an answer that finds no room, and the
// sender that waits for one would wait for ever.
//
// At the first refusal it sends nothing more, waits for what is in flight, and throws a Failure
// that names every message that was not taken.
class ConfirmedSender : public Sender {
public:
    struct Settings {
        std::size_t window = 1;
        std::string unique;  // as error sentences show it
        bool lines = false;  // messages are lines, and are named so
    };

    // Makes the queue for the answers. `outlet` and `progress` must outlive it.
    ConfirmedSender(const Outlet& outlet, Wrapper wrapper, const BodyLimit& limit,
                    Settings settings, Progress& progress, Tell tell);

    void send(std::string_view body) override;
    void finish() override;
    void idle(const std::function<bool()>& is_ready) override;
    std::uint64_t done() const override { return window_.accepted(); }
    std::string count() const override;

private:
    void put(std::span<const std::byte> bytes);
    bool await(const std::function<bool()>& attempt,
               std::optional<std::chrono::milliseconds> timeout);
    bool next_answer();
    bool take_answer(Wait wait);
    void collect();
    void stop_if_refused();
    bool settle_all();
    Failure refusal() const;
    Failure unconfirmed() const;
    std::string id_if_one() const;

    const Outlet& outlet_;
    Wrapper wrapper_;
    Settings settings_;
    BodyLimit limit_;
    Progress& progress_;
    Tell tell_;
    ReplyQueue answers_;
    ConfirmWindow window_;
    MessageId last_id_;
};

}  // namespace myq
