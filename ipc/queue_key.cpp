#include "ipc/queue_key.hpp"

#include "ipc/printable.hpp"

#include <sys/ipc.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace myq {

namespace {

std::invalid_argument bad_key(std::string_view text, const std::string& reason) {
    return std::invalid_argument("key '" + printable(text) + "': " + reason);
}

// The value of a whole text of C's number forms, nullopt for anything else. 64 bits hold every
// signed and unsigned key, so a number beyond them is beyond a key too.
std::optional<std::int64_t> number(std::string_view text) {
    const bool negative = text.starts_with('-');
    std::string_view digits = text.substr(negative ? 1 : 0);
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
        base = 16;
        digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits.starts_with('0')) {
        base = 8;
        digits.remove_prefix(1);
    }
    // from_chars takes a sign of its own: "--5" and "0x-5" are no numbers.
    if (digits.starts_with('-')) return std::nullopt;
    constexpr std::int64_t beyond = std::numeric_limits<std::int64_t>::max();
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
    if (error == std::errc::result_out_of_range) return beyond;
    if (error != std::errc{} || stop != end) return std::nullopt;
    // PHP's dechex() and printf("%x") show a negative key as 64 bits.
    if (!negative && base != 10) return static_cast<std::int64_t>(value);
    if (value > static_cast<std::uint64_t>(beyond)) return beyond;
    return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
}

}  // namespace

QueueKey QueueKey::from_text(std::string_view text) {
    const std::optional<std::int64_t> value = number(text);
    if (!value) {
        throw bad_key(text, "not a number: write it in decimal, 0x hexadecimal or 0 octal");
    }
    if (*value < std::numeric_limits<std::int32_t>::min() ||
        *value > std::numeric_limits<std::uint32_t>::max()) {
        throw bad_key(text, "longer than 32 bits: choose one from 0x1 to 0xfffffffe");
    }
    const auto key = static_cast<key_t>(*value);
    if (key == IPC_PRIVATE) {
        throw bad_key(text,
                      "0 is IPC_PRIVATE, which makes a new queue at every use and finds none: "
                      "choose one from 0x1 to 0xfffffffe");
    }
    if (key == -1) {
        throw bad_key(text, "-1 is what ftok returns on failure, so every program that failed "
                            "meets there: choose one from 0x1 to 0xfffffffe");
    }
    return QueueKey{key};
}

QueueKey QueueKey::from_path(const std::filesystem::path& path, std::string_view project) {
    if (project.size() != 1) {
        throw std::invalid_argument("project '" + printable(project) +
                                    "': " + std::to_string(project.size()) +
                                    " bytes long: ftok takes exactly one, such as 'A'");
    }
    if (path.native().find('\0') != std::string::npos) {
        throw std::invalid_argument("path for ftok: holds a NUL byte: no file has such a name");
    }
    struct stat file {};
    // ftok's -1 may be a failure or a key; stat tells which, and errno is ours to read.
    if (stat(path.c_str(), &file) != 0) {
        throw std::system_error(errno, std::generic_category(),
                                "cannot make a key with ftok from '" + printable(path.native()) +
                                    "'");
    }
    const key_t key = ftok(path.c_str(), static_cast<unsigned char>(project[0]));
    if (key == IPC_PRIVATE || key == -1) {
        throw std::invalid_argument("path '" + printable(path.native()) + "' and project '" +
                                    printable(project) + "': ftok gives " + std::to_string(key) +
                                    ", which is not usable as a key: choose another project");
    }
    return QueueKey{key};
}

std::string QueueKey::text() const {
    std::array<char, 11> text{};
    std::snprintf(text.data(), text.size(), "0x%08x", static_cast<unsigned>(value_));
    return text.data();
}

}  // namespace myq
