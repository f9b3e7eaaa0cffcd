#pragma once

#include "client/body_limit.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace myq {

// Reads message bodies from a file or standard input: all of it, or a line each.
class BodyReader {
public:
    // `file` "-" is standard input.
    BodyReader(const std::string& file, const BodyLimit& limit);
    ~BodyReader();
    BodyReader(const BodyReader&) = delete;
    BodyReader& operator=(const BodyReader&) = delete;

    // Everything there is, as it is.
    std::string_view all();

    // The next line without its line feed, valid until the next call; nullopt at the end. A last
    // line needs no line feed.
    std::optional<std::string_view> line();

    // `idle` is called before each wait for more input. It may do something else meanwhile, and
    // should come back when is_ready().
    void when_idle(std::function<void()> idle) { idle_ = std::move(idle); }

    // Whether there is something to read, or the end of it.
    bool is_ready() const;

    std::uint64_t lines_read() const { return lines_; }
    std::uint64_t bytes_read() const { return consumed_; }

    // How many bytes there are in all, if that can be known beforehand.
    std::optional<std::uint64_t> size() const { return size_; }

private:
    std::string_view rest() const { return {buffer_.data() + begin_, end_ - begin_}; }
    bool fill();
    std::size_t larger() const;  // what the buffer grows to

    int fd_ = -1;
    std::string name_;
    BodyLimit limit_;
    std::optional<std::uint64_t> size_;
    std::function<void()> idle_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0, end_ = 0;  // what was read and not yet given out
    std::uint64_t lines_ = 0;
    std::uint64_t consumed_ = 0;
};

}  // namespace myq
