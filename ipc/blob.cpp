#include "ipc/blob.hpp"

#include "ipc/blob_head.hpp"
#include "ipc/huge_pages.hpp"
#include "ipc/random.hpp"
#include "ipc/wire.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

namespace myq {

namespace {

using Magic = std::array<unsigned char, 8>;
constexpr Magic blob_magic{0x89, 'm', 'y', 'q', 'b', 'l', 'o', 'b'};
constexpr Magic reply_magic{0x89, 'm', 'y', 'q', 'r', 'e', 'p', 'l'};
constexpr std::uint32_t blob_version = 1;

// What is copied and checked at once: it is still in the processor's cache for the second.
constexpr std::size_t piece_size = std::size_t{256} << 10U;
// Pages that are made at once, and then written: what was just cleared is in a cache that all
// processors share, and they need not be disturbed for each.
constexpr std::size_t made_at_once = 4 * huge_page;

const Magic& magic_of(BlobUse use) {
    return use == BlobUse::reply ? reply_magic : blob_magic;
}

void remove_quietly(const SharedMemory& segment) noexcept {
    try {
        segment.remove();
    } catch (const IpcError&) {
        // Somebody who may was faster.
    }
}

// Copies piece by piece, and goes on with the CRC-32C of what is at `to` then.
std::uint32_t copy_checked(std::uint32_t crc, std::span<std::byte> to,
                           std::span<const std::byte> from) {
    while (!from.empty()) {
        const auto piece = to.first(std::min(from.size(), piece_size));
        std::memcpy(piece.data(), from.data(), piece.size());
        crc = wire::extend_crc(crc, piece);
        to = to.subspan(piece.size());
        from = from.subspan(piece.size());
    }
    return crc;
}

// Writes the body behind the head, and makes the pages as it comes to them. Returns the checksum.
std::uint32_t fill(std::span<std::byte> segment, std::span<const std::byte> body,
                   const std::string& name) {
    std::uint32_t crc = wire::crc_begin;
    for (std::size_t begin = 0; !body.empty(); begin += made_at_once) {
        auto room = segment.subspan(begin, std::min(made_at_once, segment.size() - begin));
        if (!make_pages(room)) throw IpcError(IpcCall::shmat, ENOMEM, name);
        if (begin == 0) room = room.subspan(wire::blob_head_size);
        const auto part = body.first(std::min(room.size(), body.size()));
        crc = copy_checked(crc, room, part);
        body = body.subspan(part.size());
    }
    return ~crc;
}

// The kernel's words for what will not change by waiting.
BlobError lasting(const IpcError& error) {
    switch (error.error()) {
    case EIDRM:
    case EINVAL:
        return BlobError::gone;
    case EACCES:
    case EPERM:
        return BlobError::not_ours;
    default:
        return BlobError::none;
    }
}

}  // namespace

void write_blob_head(std::span<std::byte> segment, const BlobHead& head) {
    namespace at = wire::blob_head;
    // First: whoever is killed in here leaves what is known for a blob that was begun.
    std::ranges::copy(std::as_bytes(std::span(magic_of(head.use))), segment.data() + at::magic_at);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    wire::store(segment.data() + at::version_at, blob_version);
    wire::store(segment.data() + at::key_at, head.queue);
    std::ranges::copy(head.token, segment.data() + at::token_at);
    wire::store(segment.data() + at::size_at, head.size);
}

bool may_become_blob(std::span<const std::byte> segment) {
    if (segment.size() <= wire::blob_head_size) return false;
    Magic begin{};
    std::memcpy(begin.data(), segment.data(), begin.size());
    return begin == blob_magic || begin == reply_magic || begin == Magic{};
}

std::optional<BlobHead> read_blob_head(std::span<const std::byte> segment) {
    namespace at = wire::blob_head;
    std::array<std::byte, wire::blob_head_size> bytes{};
    if (segment.size() <= bytes.size()) return std::nullopt;
    std::ranges::copy(segment.first(bytes.size()), bytes.begin());
    Magic magic{};
    std::memcpy(magic.data(), bytes.data() + at::magic_at, magic.size());
    if ((magic != blob_magic && magic != reply_magic) ||
        wire::load<std::uint32_t>(bytes.data() + at::version_at) != blob_version) {
        return std::nullopt;
    }
    BlobHead head;
    head.use = magic == reply_magic ? BlobUse::reply : BlobUse::message;
    head.queue = wire::load<std::int32_t>(bytes.data() + at::key_at);
    std::copy_n(bytes.data() + at::token_at, head.token.size(), head.token.begin());
    head.size = wire::load<std::uint64_t>(bytes.data() + at::size_at);
    return head;
}

OutgoingBlob::OutgoingBlob(uid_t daemon, key_t queue, std::span<const std::byte> body)
    : OutgoingBlob(daemon, BlobHead{queue, {}, body.size(), BlobUse::message}, body) {}

OutgoingBlob::OutgoingBlob(const ReplyTo& to, std::span<const std::byte> body)
    : OutgoingBlob(to.caller, BlobHead{to.queue_id, {}, body.size(), BlobUse::reply}, body) {}

OutgoingBlob::OutgoingBlob(uid_t owner, BlobHead head, std::span<const std::byte> body)
    : segment_(SharedMemory::create(QueueKey::private_queue(),
                                    in_huge_pages(wire::blob_head_size + body.size()),
                                    unfinished_blob_mode)) {
    try {
        memory_.emplace(segment_.attach(Access::read_write));
        const std::span<std::byte> bytes = memory_->writable_bytes();
        reference_.segment_id = segment_.id();
        reference_.size = body.size();
        fill_random(head.token);
        reference_.token = head.token;
        // The head first, then the gift: what a killed maker leaves the daemon can judge.
        write_blob_head(bytes, head);
        segment_.set({.uid = owner, .gid = {}, .mode = blob_mode});
        reference_.checksum = fill(bytes, body, segment_.name());
    } catch (...) {
        remove_quietly(segment_);
        throw;
    }
}

OutgoingBlob::~OutgoingBlob() {
    if (!is_sent_) remove_quietly(segment_);
}

const char* describe(BlobError error) {
    switch (error) {
    case BlobError::none:
        return "nothing is wrong with it";
    case BlobError::gone:
        return "its shared memory is gone";
    case BlobError::not_ours:
        return "its shared memory was not given to the daemon's user, private and with mode 0600";
    case BlobError::size:
        return "its shared memory has another size than it says";
    case BlobError::token:
        return "its shared memory is not the one that was meant";
    case BlobError::too_large:
        return "its body is longer than 512 MiB";
    case BlobError::checksum:
        return "the checksum of its body is wrong";
    }
    return "it is wrong in a way without a name";
}

BlobError IncomingBlob::open(const BlobReference& reference, uid_t self,
                             std::optional<IncomingBlob>& blob) {
    const auto is_right = [&](const SharedMemoryStat& stat) { return is_given_blob(stat, self); };
    return open_if(reference, BlobUse::message, is_right, blob);
}

BlobError IncomingBlob::open_reply(const BlobReference& reference, uid_t daemon, uid_t self,
                                   std::optional<IncomingBlob>& blob) {
    const auto is_right = [&](const SharedMemoryStat& stat) {
        return is_given_blob(stat, self) && is_given_reply(stat, daemon);
    };
    return open_if(reference, BlobUse::reply, is_right, blob);
}

template <typename Judge>
BlobError IncomingBlob::open_if(const BlobReference& reference, BlobUse use, const Judge& is_right,
                                std::optional<IncomingBlob>& blob) {
    if (reference.size > largest_blob) return BlobError::too_large;
    try {
        const SharedMemory segment = SharedMemory::from_id(reference.segment_id);
        // Attached before it is judged: from then on the id means this segment and no other.
        AttachedMemory memory = segment.attach(Access::read_only);
        if (!is_right(segment.stat())) return BlobError::not_ours;
        if (memory.size() < wire::blob_head_size + reference.size) return BlobError::size;
        const auto head = read_blob_head(memory.bytes());
        if (!head || head->use != use || head->token != reference.token) return BlobError::token;
        if (head->size != reference.size) return BlobError::size;
        blob = IncomingBlob(reference, segment, std::move(memory));
        return BlobError::none;
    } catch (const IpcError& e) {
        const BlobError error = lasting(e);
        if (error == BlobError::none) throw;
        return error;
    }
}

bool IncomingBlob::copy(std::span<std::byte> to) const {
    const auto body = memory_.bytes().subspan(wire::blob_head_size, size());
    return ~copy_checked(wire::crc_begin, to, body) == reference_.checksum;
}

void IncomingBlob::remove() const noexcept {
    remove_quietly(segment_);
}

void remove_blob(std::int32_t segment_id, const BlobToken& token, uid_t self) noexcept {
    try {
        const SharedMemory segment = SharedMemory::from_id(segment_id);
        const AttachedMemory memory = segment.attach(Access::read_only);
        const auto head = read_blob_head(memory.bytes());
        if (!is_given_blob(segment.stat(), self) || !head || head->use != BlobUse::message ||
            head->token != token) {
            return;
        }
        segment.remove();
    } catch (const IpcError&) {
        // It is gone, and that is what was wanted.
    }
}

}  // namespace myq
