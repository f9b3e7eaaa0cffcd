#pragma once

#include "bench/load.hpp"
#include "bench/own_directory.hpp"
#include "ipc/message_queue.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace myq::bench {

using Milliseconds = std::chrono::duration<double, std::milli>;

// The real myqd: one queue, one worker, the plugin that does nothing, everything but a journal in a
// directory of its own.
class BenchDaemon {
public:
    struct Setup {
        std::filesystem::path program;
        std::uint64_t capacity = wanted_capacity;  // the queue's, as far as the kernel grants it
        // Where every message is journaled; empty for a queue in memory.
        std::filesystem::path journal_dir{};
        // What is run for messages of command_type; empty for nothing.
        std::string command{};
    };
    static constexpr std::int64_t command_type = 2;
    static constexpr std::uint64_t wanted_capacity = 1U << 20U;  // as in the shipped configuration

    // Throws std::runtime_error with what the daemon said if it does not start.
    explicit BenchDaemon(const Setup& setup);
    // Stops it, and removes its queue.
    ~BenchDaemon();
    BenchDaemon(const BenchDaemon&) = delete;
    BenchDaemon& operator=(const BenchDaemon&) = delete;

    // From the first instruction of `myqd` until it says that it is ready, as an init script starts
    // it: detached.
    Milliseconds start();
    // `myqd --stop`, until it says that nobody runs any more.
    Milliseconds stop();

    // `myq WORDS`, until it has said all. Throws std::runtime_error with what it said if it fails.
    Milliseconds ask(std::vector<std::string> words) const;

    // Puts other bytes in the place of the plugin that does nothing: as code they are the same.
    void replace_plugin() const;

    // Of the daemon that runs:
    const MessageQueue& queue() const { return *queue_; }
    pid_t worker() const;
    std::vector<pid_t> processes() const;  // the supervisor comes first

    std::string log() const;

    // Runs `work` on it; what that throws says what is in the daemon's log, too.
    template <typename Work>
    auto explain(const Work& work) const {
        try {
            return work();
        } catch (const Stopped&) {
            throw;
        } catch (const std::exception& e) {
            throw std::runtime_error(std::string(e.what()) + "; the daemon's log:\n" + log());
        }
    }

private:
    void configure(const Setup& setup) const;
    std::filesystem::path config() const { return directory_.path() / "myq.yaml"; }

    OwnDirectory directory_;
    std::filesystem::path program_;
    QueueKey key_;
    std::optional<MessageQueue> queue_;
    bool running_ = false;
};

}  // namespace myq::bench
