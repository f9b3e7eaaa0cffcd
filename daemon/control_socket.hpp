#pragma once

#include "daemon/unix/owned.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace myq {

// Where the daemon is asked things: RUN_DIR/control, a Unix stream socket that everybody may
// connect to. A question is one line; the answer is all that comes until the end of the stream.
class ControlSocket {
public:
    // Made anew, whatever is there. For root, before the drop. Throws std::system_error.
    explicit ControlSocket(const std::filesystem::path& path);

    int fd() const { return fd_.value(); }  // readable when somebody asks

    // Who asks.
    struct Caller {
        Fd connection;
        uid_t uid;
    };
    // Takes the next connection, if there is one; never waits.
    std::optional<Caller> accept() const;

    // An answer, or what the caller reads of it within five seconds: nobody holds a process of ours
    // for longer.
    static void write(const Caller& caller, const std::string& answer);

    // What the daemon of this run directory answers within `patience`; or, in `doubt`, why nothing
    // that came is to be believed, a sentence.
    struct Answer {
        std::string text, doubt;
    };
    static Answer ask(const std::filesystem::path& run_dir, const std::string& question,
                      std::chrono::seconds patience);

    static constexpr std::chrono::seconds usual_patience{5};

private:
    Fd fd_;
};

}  // namespace myq
