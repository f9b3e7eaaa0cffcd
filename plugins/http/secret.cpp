#include "plugins/http/secret.hpp"

#include "plugins/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace {

constexpr std::size_t longest_secret = 8192;

[[noreturn]] void fail(const std::string& file, const std::string& why) {
    throw std::runtime_error(file + ": " + why);
}

}  // namespace

std::string read_secret(const std::string& file) {
    // A FIFO opened so holds nobody up.
    const Fd fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd) fail(file, std::string("cannot be read: ") + std::strerror(errno));
    struct stat status {};
    if (::fstat(fd.get(), &status) == -1 || !S_ISREG(status.st_mode)) fail(file, "is no file");
    if ((status.st_mode & S_IRWXO) != 0)
        fail(file, "is open to everybody on this machine; chmod o= " + file);

    std::array<char, longest_secret + 2> bytes{};
    const ssize_t size = ::read(fd.get(), bytes.data(), bytes.size());
    if (size == -1) fail(file, std::string("cannot be read: ") + std::strerror(errno));
    std::string_view line(bytes.data(), static_cast<std::size_t>(size));
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) fail(file, "is empty");
    if (line.size() > longest_secret) fail(file, "is too long for a password or token");
    const bool is_one_line = std::none_of(line.begin(), line.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
    if (!is_one_line) fail(file, "must hold one line, without control characters");
    return std::string(line);
}
