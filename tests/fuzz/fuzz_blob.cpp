// A message that says where its body lies, and a segment, both of any bytes: what is taken is what
// was said, nothing else is, and the search for such messages reads nothing beyond.
//
// The input: what the message says (32 bytes, see docs/wire-format.md, with the id replaced by that
// of the segment), and then the segment.
#include "ipc/blob.hpp"
#include "ipc/blob_head.hpp"
#include "ipc/blob_janitor.hpp"
#include "ipc/wire.hpp"

#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

using namespace myq;

namespace {

using Bytes = std::span<const std::byte>;

void must(bool holds) {
    if (!holds) __builtin_trap();
}

// Exactly as long as it is, so that the sanitizer sees every step beyond.
class Copy {
public:
    explicit Copy(Bytes bytes) : bytes_(new std::byte[bytes.size()]), size_(bytes.size()) {
        std::ranges::copy(bytes, bytes_.get());
    }
    Bytes bytes() const { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_;
};

std::set<BlobToken> tokens_in(Bytes bytes) {
    std::set<BlobToken> tokens;
    find_blob_tokens(bytes, tokens);
    return tokens;
}

BlobReference reference_in(Bytes bytes, int segment) {
    namespace at = wire::blob_reference;
    BlobReference reference;
    reference.segment_id = segment;
    reference.checksum = wire::load<std::uint32_t>(bytes.data() + at::checksum_at);
    reference.size = wire::load<std::uint64_t>(bytes.data() + at::size_at);
    std::ranges::copy(bytes.subspan(at::token_at, reference.token.size()), reference.token.begin());
    return reference;
}

void check_message(const BlobReference& reference) {
    if (reference.size == 0) return;
    Envelope envelope;
    envelope.kind = EnvelopeKind::blob;
    envelope.blob = reference;
    const std::vector<std::byte> written = encode_envelope(envelope);
    must(is_blob(written));
    Envelope decoded;
    must(decode_envelope(written, decoded) == EnvelopeError::none);
    must(decoded.blob == reference);
    must(tokens_in(written).contains(reference.token));
}

void check_taken(const BlobReference& reference, Bytes segment, BlobUse use) {
    std::optional<IncomingBlob> blob;
    const uid_t self = ::geteuid();
    const BlobError error = use == BlobUse::message
                                ? IncomingBlob::open(reference, self, blob)
                                : IncomingBlob::open_reply(reference, self, self, blob);
    must(describe(error)[0] != '\0');
    must((error == BlobError::none) == blob.has_value());
    const auto head = read_blob_head(segment);
    const bool fits =
        reference.size <= largest_blob && segment.size() >= wire::blob_head_size + reference.size;
    must(blob.has_value() == (fits && head && head->use == use && head->token == reference.token &&
                              head->size == reference.size));
    if (!blob) return;
    const Bytes body = segment.subspan(wire::blob_head_size, blob->size());
    std::vector<std::byte> copied(blob->size());
    const std::uint32_t checksum = ~wire::extend_crc(wire::crc_begin, body);
    must(blob->copy(copied) == (checksum == reference.checksum));
    must(std::ranges::equal(copied, body));
}

void check_both_ways(const BlobReference& reference, Bytes segment) {
    check_taken(reference, segment, BlobUse::message);
    check_taken(reference, segment, BlobUse::reply);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = std::as_bytes(std::span(data, size));
    if (input.size() <= wire::blob_reference_size) return 0;
    const Copy segment(input.subspan(wire::blob_reference_size));
    tokens_in(segment.bytes());
    may_become_blob(segment.bytes());
    const int id = ::shmget(IPC_PRIVATE, segment.bytes().size(), IPC_CREAT | 0600);
    must(id >= 0);
    void* const memory = ::shmat(id, nullptr, 0);
    // It ends with us, however that is; until then its id is good.
    ::shmctl(id, IPC_RMID, nullptr);
    std::ranges::copy(segment.bytes(), static_cast<std::byte*>(memory));
    BlobReference reference = reference_in(input, id);
    check_message(reference);
    check_both_ways(reference, segment.bytes());
    // What the fuzzer would hardly guess.
    if (const auto head = read_blob_head(segment.bytes())) {
        reference.token = head->token;
        reference.size = head->size;
        check_both_ways(reference, segment.bytes());
        const Bytes behind = segment.bytes().subspan(wire::blob_head_size);
        const Bytes body = behind.first(std::min<std::uint64_t>(behind.size(), head->size));
        reference.checksum = ~wire::extend_crc(wire::crc_begin, body);
        check_both_ways(reference, segment.bytes());
    }
    ::shmdt(memory);
    return 0;
}
