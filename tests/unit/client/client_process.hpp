#pragma once

#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace myq::test {

// What a command did.
struct Outcome {
    int status = -1;  // the exit status, or minus the signal that ended it
    std::string out, err;
};

// The surroundings that a command runs in.
struct Setup {
    std::string input = {};   // what standard input holds, as a file
    bool pipe_input = false;  // standard input is a pipe instead: feed(), end_input()
    int in = -1;              // ... or this descriptor; the same for the other two
    int out = -1;
    int err = -1;
    bool no_output = false;             // standard output is closed
    bool nobody = false;                // runs as user and group nobody
    bool ignore_hangup = false;         // as under nohup(1)
    std::vector<std::string> env = {};  // "NAME=value"
};

// The myq under test, running.
class ClientProcess {
public:
    explicit ClientProcess(std::vector<std::string> args, const Setup& setup = {});
    ~ClientProcess();
    ClientProcess(const ClientProcess&) = delete;
    ClientProcess& operator=(const ClientProcess&) = delete;

    pid_t pid() const { return pid_; }
    void feed(std::string_view text) const;
    void end_input();
    void signal(int number) const;

    // Reads standard output until it holds `text`; false if it ends before.
    bool prints(const std::string& text);

    // Stops reading its standard output, as head(1) does.
    void close_output();

    Outcome wait();

private:
    void read_output(bool all, const std::string& wanted);

    pid_t pid_ = -1;
    int in_ = -1, out_ = -1, err_ = -1;  // our ends
    Outcome outcome_;
};

// Runs myq to its end.
Outcome myq(std::vector<std::string> args, const Setup& setup = {});

// Runs myq and compares everything that it did.
void check_myq(const std::vector<std::string>& args, int status, const std::string& out,
               const std::string& err, const Setup& setup = {});

// A config with two queues: jobs (0x6d797101: types 1 note, 7 resize, any) and mails (0x6d797102:
// type 5 only), used by every myq that runs after it.
class TestConfig {
public:
    TestConfig();
    ~TestConfig();
    TestConfig(const TestConfig&) = delete;
    TestConfig& operator=(const TestConfig&) = delete;

    std::string file() const { return (dir_.path() / "myq.yaml").string(); }

private:
    TempDir dir_;
};

}  // namespace myq::test
