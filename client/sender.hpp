#pragma once

#include "client/body_limit.hpp"
#include "client/envelope_wishes.hpp"
#include "client/outlet.hpp"
#include "client/progress.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace myq {

// What became of a message: "sent", or what the daemon answered.
struct Fate {
    std::uint64_t number;         // of the message in this run, from 1
    std::optional<MessageId> id;  // without an envelope it has none
    const char* status;
};

// Sends bodies one after the other, and knows how far it is.
class Sender {
public:
    using Tell = std::function<void(const Fate&)>;

    virtual ~Sender() = default;
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    virtual void send(std::string_view body) = 0;

    // Returns once nothing is left to hear of what was sent.
    virtual void finish() {}

    // What to do while there is nothing to send; returns when `is_ready`, or when all is done.
    virtual void idle(const std::function<bool()>& is_ready) { (void)is_ready; }

    // How many messages have reached what was wished, and the same in words.
    virtual std::uint64_t done() const = 0;
    virtual std::string count() const = 0;

protected:
    Sender() = default;
};

// Into the kernel queue, which is all: raw, or in envelopes.
class PlainSender : public Sender {
public:
    // `wrapper` is nullopt for raw messages. `outlet` and `progress` must outlive it.
    PlainSender(const Outlet& outlet, std::optional<Wrapper> wrapper, const BodyLimit& limit,
                Progress& progress, Tell tell);

    void send(std::string_view body) override;
    std::uint64_t done() const override { return sent_; }
    std::string count() const override;

private:
    const Outlet& outlet_;
    std::optional<Wrapper> wrapper_;
    BodyLimit limit_;
    Progress& progress_;
    Tell tell_;
    std::uint64_t sent_ = 0;
};

}  // namespace myq
