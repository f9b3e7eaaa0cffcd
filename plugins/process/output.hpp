#pragma once

#include "plugins/fd.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

// What a command prints on one of its outputs, on its way to the log: line by line, bounded, so
// that a command gone wild fills neither the log nor the memory. Or on its way to somebody who
// waits for it, and sets bounds there.
class Output {
public:
    static constexpr std::size_t longest_line = 1000;   // bytes; the rest of the line is cut
    static constexpr std::size_t most_in_all = 65'536;  // bytes; the rest is counted

    using Sink = std::function<void(std::string_view line)>;

    // What a sink is given: lines, bounded as above, or every byte as it comes.
    enum class Pass { lines, bytes };

    // Makes the pipe. Throws std::system_error.
    explicit Output(Sink sink, Pass pass = Pass::lines);

    const Fd& write_end() const { return write_end_; }
    void close_write_end() { write_end_ = Fd{}; }

    // The read end, for poll(2); -1 once every writer is gone.
    int fd() const { return read_end_.get(); }

    // Takes what is there, at most what a pipe holds. Only after poll(2) has said that there is
    // something: it would wait.
    void read();

    // Logs an unfinished line and how much was left out. No more is read.
    void finish();

private:
    void take(std::string_view bytes);
    void end_line();

    Sink sink_;
    Pass pass_;
    Fd read_end_, write_end_;
    std::string line_;
    bool line_is_cut_ = false;
    std::size_t logged_ = 0, left_out_ = 0;
};
