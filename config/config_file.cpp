#include "config/config_file.hpp"

#include "config/config.hpp"
#include "config/descriptor.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace myq {

namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20U;

[[noreturn]] void refuse(const std::filesystem::path& file, std::string_view reason) {
    throw ConfigError(fmt::format("{}: {}", file.string(), reason));
}

[[noreturn]] void fail(const std::filesystem::path& file, std::string_view what, int error) {
    refuse(file, fmt::format("{}: {}", what, std::generic_category().message(error)));
}

void check_file(const std::filesystem::path& file, const struct stat& status) {
    if (S_ISDIR(status.st_mode)) refuse(file, "is a directory: name the file in it");
    if (!S_ISREG(status.st_mode)) refuse(file, "is not a regular file");
    const uid_t caller = ::geteuid();
    if (status.st_uid != 0 && status.st_uid != caller) {
        refuse(file, fmt::format("belongs to user {}, who could change it under you: it must "
                                 "belong to root{}",
                                 status.st_uid, caller == 0 ? "" : " or to you"));
    }
    if (caller == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        refuse(file, fmt::format("mode {:04o} lets others write what root obeys: chmod go-w",
                                 status.st_mode & 07777U));
    }
    if (static_cast<std::uintmax_t>(status.st_size) > largest_file) {
        refuse(file, fmt::format("{} bytes: a configuration is at most 1 MiB", status.st_size));
    }
}

}  // namespace

std::string read_config_file(const std::filesystem::path& file) {
    // Not blocking, or a FIFO by that name would hold us for ever.
    const Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (descriptor.number() < 0) fail(file, "cannot be opened", errno);
    struct stat status {};
    if (::fstat(descriptor.number(), &status) != 0) fail(file, "cannot be read", errno);
    check_file(file, status);

    // One byte more than allowed, in case it grows meanwhile; parse_config() then says so.
    std::string text(largest_file + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t count = ::read(descriptor.number(), text.data() + size, text.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail(file, "cannot be read", errno);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    text.resize(size);
    return text;
}

}  // namespace myq
