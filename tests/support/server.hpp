#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace myq::test {

// Somebody else's server, run as an ordinary process in a directory of the test's.
class Server {
public:
    // Starts it; what it prints is appended to `output`.
    Server(const std::vector<std::string>& command, const std::filesystem::path& output);
    ~Server() { kill(); }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int signal) const;
    bool has_ended();
    void wait();  // until it has ended
    void kill();  // SIGKILL, and wait()

private:
    pid_t pid_ = -1;  // -1 once it has ended
};

// Whether somebody takes connections there.
bool listens(const std::filesystem::path& unix_socket);

// A port of 127.0.0.1 that nobody has just now.
int free_port();

}  // namespace myq::test
