#pragma once

#include "ipc/envelope.hpp"
#include "ipc/wire.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Envelopes that encode_envelope() would not write, and what is the same in the tests of them.
namespace myq::test {

using Bytes = std::vector<std::byte>;

inline MessageId counting_id() {
    MessageId id;
    for (std::size_t i = 0; i < id.bytes.size(); ++i)
        id.bytes[i] = static_cast<std::byte>(i);
    return id;
}

inline Bytes from_hex(std::string_view hex) {
    Bytes result;
    std::string pair;
    for (const char c : hex) {
        if (c == ' ') continue;
        pair += c;
        if (pair.size() < 2) continue;
        result.push_back(static_cast<std::byte>(std::stoi(pair, nullptr, 16)));
        pair.clear();
    }
    return result;
}

// An envelope of any numbers and options with a checksum that is right.
inline Bytes sealed(Bytes envelope) {
    wire::store(envelope.data() + wire::checksum_at, wire::checksum(envelope));
    return envelope;
}

// The options are written in hexadecimal.
inline Bytes with_options(std::string_view hex, std::string_view body = "body",
                          EnvelopeKind kind = EnvelopeKind::message) {
    const Bytes options = from_hex(hex);
    Envelope plain;
    plain.kind = kind;
    plain.body = bytes(body);
    Bytes result = encode_envelope(plain);
    result.insert(result.begin() + envelope_head_size, options.begin(), options.end());
    wire::store(result.data() + wire::head_size_at,
                static_cast<std::uint16_t>(envelope_head_size + options.size()));
    return sealed(result);
}

inline EnvelopeError error_of(std::span<const std::byte> envelope) {
    Envelope decoded;
    return decode_envelope(envelope, decoded);
}

// Bytes that end where the process's memory ends: reading one more is SIGSEGV.
class AtTheEdge {
public:
    explicit AtTheEdge(std::span<const std::byte> content) : size_(content.size()) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        room_ = (size_ / page + 1) * page;
        memory_ = static_cast<std::byte*>(mmap(nullptr, room_ + page, PROT_READ | PROT_WRITE,
                                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        std::ranges::copy(content, memory_ + room_ - size_);
        REQUIRE(mprotect(memory_ + room_, page, PROT_NONE) == 0);
        mapped_ = room_ + page;
    }
    ~AtTheEdge() { munmap(memory_, mapped_); }
    AtTheEdge(const AtTheEdge&) = delete;
    AtTheEdge& operator=(const AtTheEdge&) = delete;

    std::span<const std::byte> bytes() const { return {memory_ + room_ - size_, size_}; }

private:
    std::size_t size_, room_ = 0, mapped_ = 0;
    std::byte* memory_ = nullptr;
};

}  // namespace myq::test
