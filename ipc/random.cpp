#include "ipc/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace myq {

void fill_random(std::span<std::byte> bytes) {
    // Up to 256 bytes come whole or not at all. A signal can interrupt only the wait for the first
    // entropy of a machine that boots.
    ssize_t size = -1;
    do {
        size = getrandom(bytes.data(), bytes.size(), 0);
    } while (size < 0 && errno == EINTR);
    if (size < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
}

}  // namespace myq
