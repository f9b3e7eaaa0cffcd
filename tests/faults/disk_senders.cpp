#include "tests/faults/disk_senders.hpp"

namespace myq::test {

namespace {

constexpr std::size_t window = 200;

}  // namespace

ConfirmedSenders::ConfirmedSenders(const MessageQueue& queue, Checker& checker, const Load& load)
    : queue_(queue),
      checker_(checker) {
    const uid_t daemon = queue.stat_any().uid;
    for (std::size_t i = 0; i < load.senders; ++i) {
        const std::size_t first = checker.sent();
        for (std::size_t n = 0; n < load.messages; ++n)
            checker.next(load.wish(first + n).fate);
        senders_.emplace_back(daemon, first);
    }
    for (Sender& sender : senders_)
        sender.thread = std::thread([this, &sender, load] { run(sender, load); });
}

void ConfirmedSenders::wait() {
    for (Sender& sender : senders_) {
        if (sender.thread.joinable()) sender.thread.join();
    }
}

// What lies behind the last answer is no answer, and ends the sender.
void ConfirmedSenders::stop() {
    stopping_ = true;
    for (const Sender& sender : senders_) {
        if (!sender.thread.joinable()) continue;
        try {
            std::ignore =
                MessageQueue::from_id(sender.replies.id()).send(sender.replies.token(), {});
        } catch (const IpcError&) {
            // Somebody has removed it: that ends the sender as well.
        }
    }
    wait();
}

std::vector<std::size_t> ConfirmedSenders::confirmed() const {
    std::vector<std::size_t> all;
    for (const Sender& sender : senders_)
        all.insert(all.end(), sender.confirmed.begin(), sender.confirmed.end());
    return all;
}

void ConfirmedSenders::run(Sender& sender, const Load& load) {
    try {
        send_all(sender, load);
    } catch (const IpcError&) {
        // The daemon's queue was removed: there are answers to be read all the same.
    }
    try {
        while ((sender.in_flight > 0 || stopping_) && !sender.ended)
            take_answer(sender);
    } catch (const IpcError&) {
        // And now the queue for them.
    }
}

void ConfirmedSenders::send_all(Sender& sender, const Load& load) {
    for (std::size_t id = sender.first; id < sender.first + load.messages && !stopping_; ++id) {
        while (sender.in_flight >= window && !sender.ended)
            take_answer(sender);
        if (sender.ended) return;
        send(sender, id, load.wish(id));
    }
}

void ConfirmedSenders::send(Sender& sender, std::size_t id, const Wish& wish) {
    std::string body = std::to_string(id);
    if (!wish.command.empty()) body += ":" + wish.command;
    Envelope envelope;
    envelope.id = MessageId::random();
    envelope.delay_ms = wish.delay_ms;
    envelope.confirm = ConfirmAddress{sender.replies.id(), sender.replies.token(), id};
    envelope.body = std::as_bytes(std::span(body));
    const std::vector<std::byte> bytes = encode_envelope(envelope);
    // An answer comes, or there is room because nothing of ours is in it.
    while (queue_.send(1, bytes, sender.in_flight > 0 ? Wait::no : Wait::yes) != SendStatus::sent) {
        take_answer(sender);
        if (sender.ended) return;
    }
    ++sender.in_flight;
}

void ConfirmedSenders::take_answer(Sender& sender) {
    const std::optional<Message> answer = sender.replies.receive(Wait::yes);
    if (!answer) return;
    const auto runs = decode_confirm(answer->body);
    sender.ended = !runs;
    if (!runs) return;
    for (const ConfirmRun& run : *runs) {
        answers_.at(static_cast<std::size_t>(run.status)) += run.count;
        sender.in_flight -= std::min<std::size_t>(run.count, sender.in_flight);
        if (run.status != ConfirmStatus::accepted || doubting_) continue;
        for (std::uint64_t id = run.first; id < run.first + run.count; ++id) {
            sender.confirmed.push_back(id);
            checker_.accepted(id);
        }
    }
}

}  // namespace myq::test
