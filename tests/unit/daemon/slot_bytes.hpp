#pragma once

#include "daemon/slot.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

// A slot's bytes as the kernel, or a stray store, would change them.
namespace myq::test {

inline const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

inline void put_bytes(const SlotFile& file, std::size_t offset, std::string_view bytes) {
    const ssize_t n =
        ::pwrite(file.fd().value(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n != static_cast<ssize_t>(bytes.size())) throw std::runtime_error("pwrite");
}

template <typename Value>
void put(const SlotFile& file, std::size_t offset, Value value) {
    put_bytes(file, offset, {reinterpret_cast<const char*>(&value), sizeof value});
}

// What msgrcv() stores in an empty slot.
inline void store(const SlotFile& file, std::int64_t type, std::string_view body) {
    put(file, slot_header_size, type);
    put_bytes(file, slot_header_size + sizeof type, body);
}

// The same in the worker itself, and what it does next.
inline void receive(Slot& slot, std::int64_t type, std::string_view body) {
    std::memcpy(slot.buffer(), &type, sizeof type);
    std::memcpy(static_cast<char*>(slot.buffer()) + sizeof type, body.data(), body.size());
    slot.landed(body.size());
}

// All of the file: what a successor finds whose predecessor was killed at that moment.
inline std::string image_of(const SlotFile& file) {
    std::string bytes(slot_header_size + sizeof(std::int64_t) + file.body_capacity(), '\0');
    const ssize_t n = ::pread(file.fd().value(), bytes.data(), bytes.size(), 0);
    if (n != static_cast<ssize_t>(bytes.size())) throw std::runtime_error("pread");
    return bytes;
}
inline void restore(const SlotFile& file, const std::string& image) {
    put_bytes(file, 0, image);
}

// The lock of a Slot is its process's, and ends when that closes any descriptor of the file: for a
// test that was a worker itself, before another process becomes one.
inline void give_up_lock(const SlotFile& file) {
    const std::string path = "/proc/self/fd/" + std::to_string(file.fd().value());
    const Fd again{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
}

// How many messages ended so in this slot, of any type.
inline std::uint64_t settled(const SlotFile& file, Tally tally) {
    std::uint64_t sum = 0;
    for (const TallyRow& row : file.tallies())
        sum += row.of(tally);
    return sum;
}

inline std::string text_of(const Slot& slot) {
    return {reinterpret_cast<const char*>(slot.body().data()), slot.body().size()};
}

}  // namespace myq::test
