#include "ipc/shared_variables_layout.hpp"

#include "ipc/printable.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <utility>

namespace myq::variable_layout {

namespace {

constexpr std::string_view magic{"PHP_SM\0\0", 8};
constexpr std::size_t magic_compared = 7;  // PHP writes and compares a C string

// Offsets in the header and in a chunk.
constexpr std::size_t start_at = 8, end_at = 16, free_at = 24, total_at = 32;
constexpr std::size_t key_at = 0, length_at = 8, next_at = 16;

constexpr std::string_view start_again = "; remove the segment and let it be made anew";

std::size_t to_size(std::int64_t number) {
    return static_cast<std::size_t>(number);
}

void store(std::span<std::byte> segment, std::size_t at, std::size_t number) {
    const auto value = static_cast<std::int64_t>(number);
    std::memcpy(segment.data() + at, &value, sizeof value);
}

std::int64_t load(std::span<const std::byte> copy, std::size_t at) {
    std::int64_t value = 0;
    std::memcpy(&value, copy.data() + at, sizeof value);
    return value;
}

template <std::size_t size>
std::array<std::byte, size> copy_out(std::span<const std::byte> segment, std::size_t at) {
    std::array<std::byte, size> copy;
    std::memcpy(copy.data(), segment.data() + at, size);
    // Or the compiler might read the segment again where the copy is used, after it was checked.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return copy;
}

bool has_magic(std::span<const std::byte> header) {
    return std::memcmp(header.data(), magic.data(), magic_compared) == 0;
}

BadSegment bad(const Segment& segment, const std::string& sentence) {
    return BadSegment{std::string(segment.name) + ": " + sentence};
}

BadSegment foreign(const Segment& segment, const std::string& what) {
    return bad(segment, what + ", so it is somebody else's; choose another key, or remove it if "
                               "nobody needs it (ipcs -m, ipcrm -m ID)");
}

void check_kind(const Segment& segment, std::span<const std::byte> header) {
    if (!has_magic(header)) {
        const std::string_view begin(reinterpret_cast<const char*>(header.data()), magic.size());
        throw foreign(segment, "it begins with '" + printable(begin) + "' and not with PHP_SM");
    }
    // The start of a 32-bit PHP, 24, is followed by its end; read as one number both are huge.
    const std::int64_t start = load(header, start_at);
    if ((start & 0xFFFFFFFF) == 24 && start >> 32 >= 24) {
        throw bad(segment, "it was made by a 32-bit PHP, which lays variables out in another way; "
                           "choose another key for programs of 64 bits");
    }
}

// Replaces what the header says of the used part. `free` is what PHP believes when it writes, so it
// is never, not between two stores, more than there is.
void store_end(std::span<std::byte> segment, const Header& header, std::size_t end) {
    const bool grows = end > header.end;
    if (!grows) store(segment, end_at, end);
    std::atomic_thread_fence(std::memory_order_release);
    store(segment, free_at, header.total - end);
    std::atomic_thread_fence(std::memory_order_release);
    if (grows) store(segment, end_at, end);
}

// In PHP's order, so that a reader who is not locked out, or who comes after this process was
// killed, finds too little rather than leftovers.
void take_out(std::span<std::byte> segment, Header& header, const Chunk& chunk) {
    const std::size_t behind = chunk.at + chunk.size;
    const std::size_t moving = header.end - behind;
    const std::size_t end = header.end - chunk.size;
    store_end(segment, header, end);
    header.end = end;
    std::atomic_thread_fence(std::memory_order_release);
    std::memmove(segment.data() + chunk.at, segment.data() + behind, moving);
}

void append(std::span<std::byte> segment, Header& header, std::int64_t key,
            std::span<const std::byte> value) {
    const std::size_t size = chunk_size(value.size());
    const std::span<std::byte> chunk = segment.subspan(header.end, size);
    std::memcpy(chunk.data() + key_at, &key, sizeof key);
    store(chunk, length_at, value.size());
    store(chunk, next_at, size);
    const auto slack = std::ranges::copy(value, chunk.begin() + chunk_head_size).out;
    std::fill(slack, chunk.end(), std::byte{0});  // or it shows what was there before
    std::atomic_thread_fence(std::memory_order_release);
    store_end(segment, header, header.end + size);
    header.end += size;
}

struct Found {
    Header header;
    std::optional<Chunk> chunk;
};

Found look_for(const Segment& segment, std::int64_t key) {
    Chunks chunks(segment);
    std::optional<Chunk> chunk = chunks.next();
    while (chunk && chunk->key != key)
        chunk = chunks.next();
    return {chunks.header(), chunk};
}

}  // namespace

bool is_unfinished(std::span<const std::byte> segment) {
    if (segment.size() < header_size) return false;
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    const auto header = copy_out<header_size>(segment, 0);
    bool is_finished = has_magic(header);
    if (!is_finished && !std::all_of(header.begin(), header.begin() + magic.size(), is_zero)) {
        return false;
    }
    // PHP stores the magic first and we store it last, and neither stores anything else.
    const auto size = static_cast<std::int64_t>(segment.size());
    const auto empty = static_cast<std::int64_t>(header_size);
    for (const auto& [at, finished] : std::to_array<std::pair<std::size_t, std::int64_t>>(
             {{start_at, empty}, {end_at, empty}, {free_at, size - empty}, {total_at, size}})) {
        const std::int64_t number = load(header, at);
        if (number == finished) continue;
        if (number != 0) return false;
        is_finished = false;
    }
    return !is_finished && std::ranges::all_of(segment.subspan(header_size), is_zero);
}

void initialise(std::span<std::byte> segment, std::string_view name) {
    if (segment.size() < header_size) {
        throw BadSegment(std::string(name) + ": " + std::to_string(segment.size()) +
                         " bytes are too few; use at least 40, and 80 for a first variable");
    }
    store(segment, start_at, header_size);
    store(segment, end_at, header_size);
    store(segment, free_at, segment.size() - header_size);
    store(segment, total_at, segment.size());
    // Last: who sees it takes the rest for right.
    std::atomic_thread_fence(std::memory_order_release);
    std::memcpy(segment.data(), magic.data(), magic.size());
}

Header read_header(const Segment& segment) {
    const std::size_t size = segment.bytes.size();
    if (size < header_size) {
        throw foreign(segment, "it has " + std::to_string(size) +
                                   " bytes, fewer than the 40 of PHP's header");
    }
    const auto copy = copy_out<header_size>(segment.bytes, 0);
    if (is_unfinished(segment.bytes)) {
        throw bad(segment, "nobody has set it up yet; try again, or let whoever writes set it up");
    }
    check_kind(segment, copy);
    const std::int64_t start = load(copy, start_at);
    const std::int64_t end = load(copy, end_at);
    const std::int64_t free = load(copy, free_at);
    const std::int64_t total = load(copy, total_at);
    const bool ordered = start >= static_cast<std::int64_t>(header_size) && start <= end &&
                         end <= total && to_size(total) <= size;
    // PHP changes `free` and `end` one after the other. If it is killed between, `free` is wrong by
    // one chunk; it is not needed, and the next put mends it.
    if (ordered && free >= 0 && free <= total - start) {
        return {to_size(start), to_size(end), to_size(total)};
    }
    throw bad(segment, "its header is damaged: start " + std::to_string(start) + ", end " +
                           std::to_string(end) + ", free " + std::to_string(free) + " and total " +
                           std::to_string(total) + " in a segment of " + std::to_string(size) +
                           " bytes" + std::string(start_again));
}

std::optional<Chunk> Chunks::next() {
    const std::size_t left = header_.end - at_;
    if (left == 0) return std::nullopt;
    const auto damaged = [&](const std::string& what) {
        return bad(segment_, "the variable at byte " + std::to_string(at_) +
                                 " is damaged: " + what + std::string(start_again));
    };
    if (left < chunk_head_size) {
        throw damaged(std::to_string(left) + " bytes are left for it, fewer than its head has");
    }
    const auto head = copy_out<chunk_head_size>(segment_.bytes, at_);
    const std::int64_t length = load(head, length_at);
    const std::int64_t size = load(head, next_at);
    const auto least = static_cast<std::int64_t>(chunk_head_size);
    if (size < least || to_size(size) > left || length < 0 || length > size - least) {
        throw damaged(std::to_string(length) + " bytes in a chunk of " + std::to_string(size) +
                      ", where " + std::to_string(left) + " are left");
    }
    const Chunk chunk{load(head, key_at), at_, to_size(size), to_size(length)};
    at_ += chunk.size;
    return chunk;
}

std::optional<Chunk> find(const Segment& segment, std::int64_t key) {
    return look_for(segment, key).chunk;
}

void copy_value(const Segment& segment, const Chunk& chunk, std::vector<std::byte>& value) {
    const auto bytes = segment.bytes.subspan(chunk.at + chunk_head_size, chunk.length);
    value.assign(bytes.begin(), bytes.end());
}

bool put(std::span<std::byte> segment, std::string_view name, std::int64_t key,
         std::span<const std::byte> value) {
    auto [header, old] = look_for({segment, name}, key);
    const std::size_t room = header.total - header.end + (old ? old->size : 0);
    // The first comparison keeps the second from overflowing.
    if (value.size() > room || chunk_size(value.size()) > room) return false;
    if (old) take_out(segment, header, *old);
    append(segment, header, key, value);
    return true;
}

bool remove(std::span<std::byte> segment, std::string_view name, std::int64_t key) {
    auto [header, chunk] = look_for({segment, name}, key);
    if (chunk) take_out(segment, header, *chunk);
    return chunk.has_value();
}

}  // namespace myq::variable_layout
