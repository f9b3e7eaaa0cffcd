#pragma once

#include "daemon/unix/owned.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace myq::test {

// A pipe on which other processes tell the test what happens to them, a line each.
class Lines {
public:
    Lines() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        in_ = Fd{ends[0]};
        out_ = Fd{ends[1]};
        all().insert({in(), out()});
    }
    ~Lines() { forget(); }
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;

    // The descriptors of all of these that there are, for children of the daemon's own kind: those
    // have nothing open that they were not given.
    static std::vector<int> descriptors() { return {all().begin(), all().end()}; }

    int out() const { return out_.value(); }
    int in() const { return in_.value(); }

    // One write(2), so that lines of several processes do not mix.
    void say(const std::string& text) const {
        const std::string line = text + '\n';
        [[maybe_unused]] const ssize_t ignored = ::write(out_.value(), line.data(), line.size());
    }

    // For the reader, once those who write were forked: rest() ends when the last of them has.
    void close_out() {
        all().erase(out());
        out_.reset();
    }

    // Reads on until a line contains `text`, and returns that line. Throws at the end of the file,
    // and after 30 s: nothing of what is waited for takes that long.
    std::string wait_for(std::string_view text) {
        for (;;) {
            const std::string line = next();
            if (line.find(text) != std::string::npos) return line;
        }
    }

    // All that comes until every writer has ended.
    std::vector<std::string> rest() {
        std::vector<std::string> lines;
        while (fill()) {
        }
        while (buffer_.find('\n') != std::string::npos)
            lines.push_back(next());
        return lines;
    }

    const std::vector<std::string>& seen() const { return seen_; }
    bool has_seen(std::string_view text) const {
        for (const std::string& line : seen_) {
            if (line.find(text) != std::string::npos) return true;
        }
        return false;
    }

    int count(std::string_view text) const {
        int found = 0;
        for (const std::string& line : seen_)
            found += line.find(text) != std::string::npos ? 1 : 0;
        return found;
    }
    // Whether the first line with `first` came before the first one with `second`, and both came.
    bool came_before(std::string_view first, std::string_view second) const {
        for (const std::string& line : seen_) {
            if (line.find(first) != std::string::npos) return has_seen(second);
            if (line.find(second) != std::string::npos) return false;
        }
        return false;
    }

private:
    static std::set<int>& all() {
        static std::set<int> open;
        return open;
    }
    void forget() const {
        all().erase(in());
        all().erase(out());
    }

    std::string next() {
        for (;;) {
            const std::size_t end = buffer_.find('\n');
            if (end != std::string::npos) {
                seen_.push_back(buffer_.substr(0, end));
                buffer_.erase(0, end + 1);
                return seen_.back();
            }
            if (!fill())
                throw std::runtime_error("the other processes ended; seen:" + everything());
        }
    }

    bool fill() {
        pollfd readable{in_.value(), POLLIN, 0};
        if (::poll(&readable, 1, 30'000) == 0)
            throw std::runtime_error("nothing came; seen:" + everything());
        std::array<char, 4096> part{};
        const ssize_t n = ::read(in_.value(), part.data(), part.size());
        if (n > 0) buffer_.append(part.data(), static_cast<std::size_t>(n));
        return n > 0;
    }

    std::string everything() const {
        std::string text;
        for (const std::string& line : seen_)
            text += "\n  " + line;
        return text;
    }

    Fd in_, out_;
    std::string buffer_;
    std::vector<std::string> seen_;
};

}  // namespace myq::test
