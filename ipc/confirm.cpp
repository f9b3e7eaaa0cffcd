// What a sender is told of its messages: an envelope of kind `confirm`.
#include "ipc/envelope.hpp"
#include "ipc/wire.hpp"

#include <limits>

namespace myq {

namespace {

// A status of a later version says that something else happened than acceptance.
ConfirmStatus confirm_status(std::uint32_t number) {
    return number <= static_cast<std::uint32_t>(ConfirmStatus::broken)
               ? static_cast<ConfirmStatus>(number)
               : ConfirmStatus::failed;
}

// Empty, or beyond the last number: who counts through it would do harm.
bool is_impossible(const ConfirmRun& run) {
    return run.count == 0 || run.first > std::numeric_limits<std::uint64_t>::max() - run.count;
}

}  // namespace

std::vector<std::byte> encode_confirm(std::span<const ConfirmRun> runs) {
    std::vector<std::byte> body;
    body.reserve(runs.size() * wire::confirm_run_size);
    for (const ConfirmRun& run : runs) {
        wire::append(body, run.first);
        wire::append(body, run.count);
        wire::append(body, static_cast<std::uint32_t>(run.status));
    }
    Envelope envelope;
    envelope.kind = EnvelopeKind::confirm;
    envelope.body = body;
    return encode_envelope(envelope);
}

std::optional<std::vector<ConfirmRun>> decode_confirm(std::span<const std::byte> bytes) {
    Envelope envelope;
    if (decode_envelope(bytes, envelope) != EnvelopeError::none) return std::nullopt;
    if (envelope.kind != EnvelopeKind::confirm) return std::nullopt;
    std::span<const std::byte> body = envelope.body;
    if (body.size() % wire::confirm_run_size != 0) return std::nullopt;
    std::vector<ConfirmRun> runs;
    for (; !body.empty(); body = body.subspan(wire::confirm_run_size)) {
        const ConfirmRun run{wire::load<std::uint64_t>(body.data()),
                             wire::load<std::uint32_t>(body.data() + 8),
                             confirm_status(wire::load<std::uint32_t>(body.data() + 12))};
        if (is_impossible(run)) return std::nullopt;
        runs.push_back(run);
    }
    return runs;
}

}  // namespace myq
