// The layout of shared variables in any bytes: nothing is read or written outside of them, nothing
// runs for ever, what is put is found again, and what is refused stays as it is. And all this also
// when somebody changes the bytes between two looks.
#include "ipc/shared_variables_layout.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

using namespace myq;
using namespace myq::variable_layout;

namespace {

constexpr std::string_view name = "shared memory 0x1";

void must(bool holds) {
    if (!holds) __builtin_trap();
}

// Exactly as long as it is, so that the sanitizer sees every step beyond.
class Image {
public:
    explicit Image(std::span<const std::byte> bytes)
        : bytes_(new std::byte[bytes.size()]),
          size_(bytes.size()) {
        std::ranges::copy(bytes, bytes_.get());
    }
    std::span<std::byte> bytes() const { return {bytes_.get(), size_}; }
    Segment segment() const { return {bytes(), name}; }
    bool is(std::span<const std::byte> other) const { return std::ranges::equal(bytes(), other); }

private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t size_;
};

using Bytes = std::vector<std::byte>;

struct Variable {
    std::int64_t key;
    Bytes value;
    friend bool operator==(const Variable&, const Variable&) = default;
};

// nullopt for a segment that is refused.
std::optional<std::vector<Variable>> all(const Image& image) {
    std::vector<Variable> variables;
    try {
        Chunks chunks(image.segment());
        while (const auto chunk = chunks.next()) {
            must(variables.size() <= image.bytes().size() / chunk_head_size);
            variables.push_back({chunk->key, {}});
            copy_value(image.segment(), *chunk, variables.back().value);
        }
    } catch (const BadSegment& e) {
        must(e.what()[0] != '\0');
        return std::nullopt;
    }
    return variables;
}

// What a change must leave, given what was there.
void check_put(const Image& image, std::vector<Variable> expected, std::int64_t key,
               const Bytes& value) {
    const Bytes before(image.bytes().begin(), image.bytes().end());
    if (!put(image.bytes(), name, key, value)) return must(image.is(before));
    const auto old = std::ranges::find(expected, key, &Variable::key);
    if (old != expected.end()) expected.erase(old);
    expected.push_back({key, value});
    must(all(image) == expected);
    must(read_header(image.segment()).end <= image.bytes().size());
}

void check_remove(const Image& image, std::vector<Variable> expected, std::int64_t key) {
    const auto old = std::ranges::find(expected, key, &Variable::key);
    const bool there = old != expected.end();
    must(find(image.segment(), key).has_value() == there);
    if (there) expected.erase(old);
    must(remove(image.bytes(), name, key) == there);
    must(all(image) == expected);
}

// Puts and removes by the bytes of the image itself, as long as it is in order.
void check_changes(const Image& image) {
    const Bytes script(image.bytes().begin(), image.bytes().end());
    for (std::size_t i = 0; i < std::min<std::size_t>(script.size(), 4); ++i) {
        const auto variables = all(image);
        must(variables.has_value());
        const auto what = std::to_integer<std::uint8_t>(script[script.size() - 1 - i]);
        const std::int64_t key = variables->empty() || what % 4 == 0
                                     ? what % 8
                                     : (*variables)[what % variables->size()].key;
        if (what & 1) {
            check_put(image, *variables, key, Bytes(what, script[i]));
        } else {
            check_remove(image, *variables, key);
        }
    }
}

// Every operation while each look finds other bytes than the one before: only the sanitizer judges.
void check_while_changing(const Image& image, std::span<const std::byte> vandal) {
    std::size_t at = 0;
    const auto change = [&] {
        for (std::size_t i = 0; i < 8 && !vandal.empty(); ++i, ++at) {
            const std::size_t where = at * 7 % std::min<std::size_t>(image.bytes().size(), 96);
            image.bytes()[where] = vandal[at % vandal.size()];
        }
    };
    try {
        Chunks chunks(image.segment());
        Bytes value;
        for (int most = 0; most < 64; ++most) {
            change();
            const auto chunk = chunks.next();
            if (!chunk) break;
            change();
            copy_value(image.segment(), *chunk, value);
        }
        put(image.bytes(), name, 1, value);
        change();
        remove(image.bytes(), name, 1);
    } catch (const BadSegment&) {
        return;
    }
}

void check(std::span<const std::byte> bytes) {
    const Image image(bytes);
    if (all(image)) {
        must(!is_unfinished(bytes));
        check_changes(image);
        return check_while_changing(Image(bytes),
                                    bytes.last(std::min<std::size_t>(bytes.size(), 32)));
    }
    must(image.is(bytes));
    if (!is_unfinished(bytes)) return;
    initialise(image.bytes(), name);
    must(all(image) == std::vector<Variable>{});
    check_put(image, {}, -1, Bytes(bytes.size() / 2));
}

void store(std::span<std::byte> bytes, std::size_t at, std::size_t number) {
    std::memcpy(bytes.data() + at, &number, sizeof number);
}

// The same bytes with a header and lengths that are right, which chance does not find: what the
// numbers say is taken as a share of what there is.
Bytes mended(std::span<const std::byte> bytes) {
    Bytes result(bytes.begin(), bytes.end());
    const auto share = [&](std::size_t at, std::size_t of) {
        std::uint16_t number = 0;
        std::memcpy(&number, result.data() + at, sizeof number);
        return of == 0 ? 0 : number % of;
    };
    std::memcpy(result.data(), "PHP_SM\0", 8);
    std::size_t at = header_size + share(8, 64);
    at = std::min(at, result.size());
    store(result, 8, at);
    const std::size_t most = 1 + share(16, 12);
    for (std::size_t i = 0; i < most && result.size() - at >= chunk_head_size; ++i) {
        const std::size_t left = result.size() - at;
        const std::size_t size =
            chunk_head_size + share(at + 16, std::min<std::size_t>(left - chunk_head_size + 1, 80));
        const std::size_t length = share(at + 8, size - chunk_head_size + 1);
        store(result, at, share(at, 8));
        store(result, at + 8, length);
        store(result, at + 16, size);
        at += size;
    }
    store(result, 16, at);
    store(result, 24, result.size() - at);
    store(result, 32, result.size());
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    check(bytes);
    if (size < header_size) return 0;
    const Bytes right = mended(bytes);
    must(all(Image(right)).has_value());
    check(right);
    return 0;
}
