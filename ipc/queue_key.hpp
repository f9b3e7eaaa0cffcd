#pragma once

#include <sys/ipc.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace myq {

// The number by which unrelated programs find the same System V object (key_t in ipc(2) calls).
// A QueueKey that exists is usable: 0 (IPC_PRIVATE) only comes from private_queue(), and -1, which
// ftok(3) returns on failure, is never a key.
class QueueKey {
public:
    // From a number as people and PHP write it: decimal, 0x hexadecimal or 0 octal; signed or
    // unsigned 32 bits, so that 0xffff0001 and -65535 are the same key.
    // Throws std::invalid_argument with a sentence that quotes the text.
    static QueueKey from_text(std::string_view text);

    // What ftok(3) and PHP's ftok() give for an existing file and a one-byte project letter.
    // Throws std::system_error that names the path, std::invalid_argument for a bad project.
    static QueueKey from_path(const std::filesystem::path& path, std::string_view project);

    // IPC_PRIVATE: every queue made with it is a new one that only its id can find.
    static QueueKey private_queue() { return QueueKey{IPC_PRIVATE}; }

    key_t value() const { return value_; }
    bool is_private() const { return value_ == IPC_PRIVATE; }

    // "0x6d797101", as ipcs(1) prints it.
    std::string text() const;

    friend bool operator==(const QueueKey&, const QueueKey&) = default;

private:
    explicit QueueKey(key_t value) : value_(value) {}

    key_t value_;
};

}  // namespace myq
