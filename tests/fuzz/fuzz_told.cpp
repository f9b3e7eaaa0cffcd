// What a client believes of what it is told on its reply queue: whoever answers, each of its
// messages is settled at most once, a reply is put together of its own parts only, and nothing that
// is shown can drive a terminal.
//
// The input: how many messages were sent, then answers one after the other: what is made of it, its
// length, and its bytes. Those are the answer as it is, or the body of one that is right elsewhere.
#include "client/call_progress.hpp"
#include "client/confirm_window.hpp"
#include "ipc/envelope.hpp"
#include "ipc/printable.hpp"
#include "ipc/reply.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace myq;

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::array statuses{ConfirmStatus::duplicate, ConfirmStatus::full, ConfirmStatus::failed,
                              ConfirmStatus::broken};

void must(bool holds) {
    if (!holds) __builtin_trap();
}

bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// Somebody who has sent messages that are to be confirmed, and has called with one.
class Client {
public:
    explicit Client(std::size_t messages) : window_(messages + 1) {
        for (std::size_t i = 0; i < messages; ++i)
            window_.add(MessageId::random());
    }

    void be_told(Bytes answer) {
        if (const auto runs = decode_confirm(answer)) settle(*runs);
        if (const auto reply = decode_reply(answer)) hear(*reply);
    }

private:
    void settle(const std::vector<ConfirmRun>& runs) {
        for (const ConfirmRun& run : runs) {
            window_.settle(run, [&](std::uint64_t number, const MessageId& id) {
                must(number >= run.first && number - run.first < run.count && id.is_set());
                must(settled_.emplace(number, run.status).second);
            });
        }
        std::uint64_t refused = 0;
        for (const ConfirmWindow::Refused& run : window_.refused()) {
            must(run.first >= 1 && run.first <= run.last && run.last <= window_.sent());
            must(run.status != ConfirmStatus::accepted);
            refused += run.last - run.first + 1;
        }
        must(window_.has_refused() == (refused > 0));
        must(window_.accepted() + refused + window_.in_flight() == window_.sent());
        must(window_.accepted() + refused == settled_.size());
        for (const ConfirmStatus status : statuses)
            must(is_plain(numbers_of(window_.refused(), status)));
    }

    void hear(const Reply& reply) {
        must(name(reply.status) != std::string_view("unknown"));
        if (!reply.is_final()) return must(is_plain(progress_line(reply)));
        must(!reply.large || (reply.status == Reply::Status::cut && reply.part.empty()));
        if (reply.status == Reply::Status::cut) return;
        const std::string before = reply.first == 0 ? "" : assembly_.whole();
        const bool is_whole = assembly_.add(reply);
        const bool continues = reply.first == before.size();
        std::string expected = before;
        if (continues) {
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
            expected.append(reinterpret_cast<const char*>(reply.part.data()), reply.part.size());
        }
        must(assembly_.whole() == expected);
        must(!is_whole || assembly_.whole().size() >= reply.second);
    }

    ConfirmWindow window_;
    ReplyAssembly assembly_;
    std::map<std::uint64_t, ConfirmStatus> settled_;
};

std::vector<std::byte> in_envelope(EnvelopeKind kind, Bytes body) {
    Envelope envelope;
    envelope.kind = kind;
    envelope.body = body;
    return encode_envelope(envelope);
}

std::uint8_t take_byte(Bytes& input) {
    if (input.empty()) return 0;
    const auto byte = std::to_integer<std::uint8_t>(input.front());
    input = input.subspan(1);
    return byte;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes input = std::as_bytes(std::span(data, size));
    Client client(take_byte(input));
    while (!input.empty()) {
        const std::uint8_t what = take_byte(input);
        const Bytes bytes = input.first(std::min<std::size_t>(take_byte(input), input.size()));
        input = input.subspan(bytes.size());
        // Exactly as long as it is, so that the sanitizer sees every step beyond.
        if (what % 4 == 0) client.be_told(std::vector(bytes.begin(), bytes.end()));
        if (what % 4 == 1) client.be_told(in_envelope(EnvelopeKind::confirm, bytes));
        if (what % 4 >= 2) client.be_told(in_envelope(EnvelopeKind::reply, bytes));
    }
    return 0;
}
