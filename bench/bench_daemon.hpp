#pragma once

#include "ipc/message_queue.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace myq::bench {

using Milliseconds = std::chrono::duration<double, std::milli>;

// A directory of this program's own, removed with all that is in it.
class OwnDirectory {
public:
    OwnDirectory();
    ~OwnDirectory();
    OwnDirectory(const OwnDirectory&) = delete;
    OwnDirectory& operator=(const OwnDirectory&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

// The real myqd: one queue, one worker, the plugin that does nothing, everything in a directory of
// its own.
class BenchDaemon {
public:
    // `capacity`: the queue's, as far as the kernel grants it. Throws std::runtime_error with what
    // the daemon said if it does not start.
    BenchDaemon(std::filesystem::path program, std::uint64_t capacity);
    // Stops it, and removes its queue.
    ~BenchDaemon();
    BenchDaemon(const BenchDaemon&) = delete;
    BenchDaemon& operator=(const BenchDaemon&) = delete;

    // From the first instruction of `myqd` until it says that it is ready, as an init script starts
    // it: detached.
    Milliseconds start();
    // `myqd --stop`, until it says that nobody runs any more.
    Milliseconds stop();

    // Of the daemon that runs:
    const MessageQueue& queue() const { return *queue_; }
    pid_t worker() const;
    std::vector<pid_t> processes() const;  // the supervisor comes first

    std::string log() const;

private:
    Milliseconds run(const std::string& option) const;
    std::filesystem::path config() const { return directory_.path() / "myq.yaml"; }

    OwnDirectory directory_;
    std::filesystem::path program_;
    QueueKey key_;
    std::optional<MessageQueue> queue_;
    bool running_ = false;
};

}  // namespace myq::bench
