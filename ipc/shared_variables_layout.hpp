#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// How PHP's shm_put_var() lays variables out in a segment, which PHP shares with other machine
// words of its own kind only: numbers are int64, of this machine's order, at any address.
//
//     header   "PHP_SM" and NUL in 8 bytes, start, end, free, total
//     chunk    key, length, next, then so many bytes of value, then slack; `next` bytes in all
//
// Whoever may write the segment may write anything into it at every moment. So no number is
// believed: each is copied out, and the copy is checked against the real size before it is used;
// there is no step that does not go forward. For SharedVariables and its tests; everybody else has
// that class.
namespace myq {

// A segment that does not hold PHP's variables, or no longer holds them in order. what() is one
// line.
class BadSegment : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

namespace variable_layout {

constexpr std::size_t header_size = 40;
constexpr std::size_t chunk_head_size = 24;

// What PHP takes for a value of so many bytes: the head, the value, and 8 to 15 bytes of slack.
constexpr std::size_t chunk_size(std::size_t length) {
    return (length + 32 + 7) / 8 * 8;
}

// The bytes of a segment, and what error sentences call it.
struct Segment {
    std::span<const std::byte> bytes;
    std::string_view name;
};

struct Header {
    std::size_t start, end, total;  // offsets: header_size <= start <= end <= total <= real size
};

struct Chunk {
    std::int64_t key;
    std::size_t at;      // its offset
    std::size_t size;    // within the header's end
    std::size_t length;  // of the value, which begins chunk_head_size after `at`; within `size`
};

// Whether it is as the kernel made it, all 0, or somebody is, or died, in the middle of setting it
// up.
bool is_unfinished(std::span<const std::byte> segment);

// Makes it a segment without variables. BadSegment when it is smaller than a header.
void initialise(std::span<std::byte> segment, std::string_view name);

// BadSegment, saying what it holds instead.
Header read_header(const Segment& segment);

// The chunks from first to last.
class Chunks {
public:
    explicit Chunks(const Segment& segment)
        : segment_(segment),
          header_(read_header(segment)),
          at_(header_.start) {}

    // nullopt behind the last. BadSegment when it is not what a chunk can be.
    std::optional<Chunk> next();

    const Header& header() const { return header_; }

private:
    Segment segment_;
    Header header_;
    std::size_t at_;
};

// The first with this key, as in PHP.
std::optional<Chunk> find(const Segment& segment, std::int64_t key);

// A copy of the value.
void copy_value(const Segment& segment, const Chunk& chunk, std::vector<std::byte>& value);

// Whether there was room. If not, everything is as it was; PHP has removed the old value by then.
bool put(std::span<std::byte> segment, std::string_view name, std::int64_t key,
         std::span<const std::byte> value);

// Whether there was such a variable. Those behind it move forward.
bool remove(std::span<std::byte> segment, std::string_view name, std::int64_t key);

}  // namespace variable_layout

}  // namespace myq
