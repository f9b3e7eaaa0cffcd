#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

// Reads message bodies from a file or standard input: all of it, or a line each.
class BodyReader {
public:
    // `file` "-" is standard input; `limit` is the longest body in bytes.
    BodyReader(const std::string& file, std::size_t limit);
    ~BodyReader();
    BodyReader(const BodyReader&) = delete;
    BodyReader& operator=(const BodyReader&) = delete;

    // Everything there is, as it is.
    std::string_view all();

    // The next line without its line feed, valid until the next call; nullopt at the end. A last
    // line needs no line feed.
    std::optional<std::string_view> line();

    std::uint64_t lines_read() const { return lines_; }
    std::uint64_t bytes_read() const { return consumed_; }

    // How many bytes there are in all, if that can be known beforehand.
    std::optional<std::uint64_t> size() const { return size_; }

private:
    std::string_view rest() const { return {buffer_.data() + begin_, end_ - begin_}; }
    bool fill();

    int fd_ = -1;
    std::string name_;
    std::size_t limit_;
    std::optional<std::uint64_t> size_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0, end_ = 0;  // what was read and not yet given out
    std::uint64_t lines_ = 0;
    std::uint64_t consumed_ = 0;
};

}  // namespace myq
