#include "tests/faults/asker.hpp"

#include <fmt/format.h>

namespace myq::test {

Asker::Asker(Stage& stage)
    : stage_(stage),
      queue_(stage.daemon.queue()),
      replies_(queue_.stat_any().uid) {}

bool Asker::send(std::string_view command) {
    const std::size_t id = stage_.checker.next();
    const std::string body =
        command.empty() ? std::to_string(id) : fmt::format("{}:{}", id, command);
    Envelope envelope;
    envelope.id = MessageId::random();
    envelope.confirm = ConfirmAddress{replies_.id(), replies_.token(), sent_ + 1};
    envelope.body = std::as_bytes(std::span(body));
    if (queue_.send(1, encode_envelope(envelope), Wait::no) != SendStatus::sent) return false;
    ++sent_;
    stage_.checker.accepted(id);
    return true;
}

bool Asker::send_to(const ConfirmAddress& address) {
    const std::size_t id = stage_.checker.next();
    const std::string body = std::to_string(id);
    Envelope envelope;
    envelope.id = MessageId::random();
    envelope.confirm = address;
    envelope.body = std::as_bytes(std::span(body));
    if (queue_.send(1, encode_envelope(envelope)) != SendStatus::sent) return false;
    stage_.checker.accepted(id);
    return true;
}

void Asker::collect() {
    while (const auto message = replies_.receive(Wait::no)) {
        for (const ConfirmRun& run :
             decode_confirm(message->body).value_or(std::vector<ConfirmRun>{})) {
            for (std::uint64_t i = 0; i < run.count; ++i) {
                const bool is_new = answers_.emplace(run.first + i, run.status).second;
                answered_twice_ += is_new ? 0U : 1U;
            }
        }
    }
}

int Asker::answer(std::uint64_t sequence) const {
    const auto found = answers_.find(sequence);
    return found == answers_.end() ? -1 : static_cast<int>(found->second);
}

}  // namespace myq::test
