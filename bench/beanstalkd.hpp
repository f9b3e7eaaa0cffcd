#pragma once

#include "bench/command.hpp"
#include "bench/crowd.hpp"
#include "bench/own_directory.hpp"
#include "daemon/unix/owned.hpp"

#include <cstddef>
#include <filesystem>
#include <string>

namespace myq::bench {

// What journaled queues are compared with: a job server that writes each job to its log and, with
// -f0, calls fsync before it says INSERTED. On a local socket, so that no network slows it down.
class Beanstalkd {
public:
    static bool is_installed();

    // Starts one that keeps its log in `directory`.
    explicit Beanstalkd(const std::filesystem::path& directory);

    std::filesystem::path socket() const { return run_.path() / "socket"; }

private:
    OwnDirectory run_;
    Command server_;
};

// A sender: puts jobs, `window` of them under way at once, and counts the INSERTED.
Sent put_jobs(const Beanstalkd& server, const Crowd::StartingLine& start, int window,
              std::size_t body_size);

// The other end, in a process of its own: reserves and deletes one job after the other.
class BeanstalkConsumer {
public:
    explicit BeanstalkConsumer(const Beanstalkd& server);

    // Returns when every job that is there now has been deleted.
    void await_last();

private:
    const Beanstalkd& server_;
    Fd done_;  // a byte for the last job
    ChildPid pid_;
};

}  // namespace myq::bench
