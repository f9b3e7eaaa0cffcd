#pragma once

#include "ipc/envelope.hpp"
#include "ipc/wire.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// Where a body in shared memory lies, as bytes: all of a blob's envelope behind its head, and the
// end of a reply that is too long for its queue. For the files that read and write both.
namespace myq {

inline void append_reference(std::vector<std::byte>& bytes, const BlobReference& reference) {
    wire::append(bytes, reference.segment_id);
    wire::append(bytes, reference.checksum);
    wire::append(bytes, reference.size);
    bytes.insert(bytes.end(), reference.token.begin(), reference.token.end());
}

// nullopt for what names nothing that could be.
inline std::optional<BlobReference> read_reference(std::span<const std::byte> bytes) noexcept {
    namespace at = wire::blob_reference;
    if (bytes.size() != wire::blob_reference_size) return std::nullopt;
    BlobReference reference;
    reference.segment_id = wire::load<std::int32_t>(bytes.data() + at::segment_at);
    reference.checksum = wire::load<std::uint32_t>(bytes.data() + at::checksum_at);
    reference.size = wire::load<std::uint64_t>(bytes.data() + at::size_at);
    std::ranges::copy(bytes.subspan(at::token_at), reference.token.begin());
    if (reference.segment_id < 0 || reference.size == 0) return std::nullopt;
    return reference;
}

}  // namespace myq
