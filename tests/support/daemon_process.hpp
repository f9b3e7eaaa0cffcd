#pragma once

#include "ipc/message_queue.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace myq::test {

// The real myqd, in the world of its test: its own configuration, directories and plugins, and one
// queue named "jobs". Nothing of it is left when the object ends; when the test case has failed,
// the end of its log is shown.
class DaemonProcess {
public:
    struct Setup {
        std::vector<std::string> plugins;  // copied into its plugin directory
        std::string queue;                 // lines of YAML for the queue, beyond name and key
        std::string daemon;                // "stop_timeout: 1s" and the like, in braces already
        std::string journal = {};          // the same: "max_size: 1MiB"
        std::string directory = {};        // of plugins, the same: "watch: false"
    };

    explicit DaemonProcess(const Setup& setup);
    ~DaemonProcess();
    DaemonProcess(const DaemonProcess&) = delete;
    DaemonProcess& operator=(const DaemonProcess&) = delete;

    static constexpr const char* key = "0x6d797101";

    const std::filesystem::path& dir() const { return dir_.path(); }
    std::filesystem::path config_file() const { return dir() / "myq.yaml"; }
    std::filesystem::path plugin_dir() const { return dir() / "plugins"; }
    std::filesystem::path pid_file() const { return dir() / "run/myqd.pid"; }
    std::filesystem::path journal_dir() const { return dir() / "journal"; }
    std::filesystem::path log_file() const { return dir() / "myqd.log"; }

    // The one just built, or what MYQD in the environment names in its place.
    static std::string binary();

    void configure(const Setup& setup);  // writes the configuration anew
    void add_plugin(const std::string& name, const std::string& as = {});

    Run start() const { return myqd({}); }
    Run stop() const { return myqd({"--stop"}); }
    Run reload() const { return myqd({"--reload"}); }
    Run status() const { return myqd({"--status"}); }
    Run myqd(const std::vector<std::string>& options) const;   // with -c
    Run myq(const std::vector<std::string>& arguments) const;  // the client, with -c

    pid_t supervisor() const;  // 0 when none runs
    std::vector<pid_t> workers() const;
    void signal(int signal) const;  // to the supervisor
    void kill_all() const;          // SIGKILL to every process of it, at once
    void wait_until_gone() const;

    std::string log() const { return read_file(log_file()); }
    // Waits until `text` stands in the log at least `times` times.
    bool logged(std::string_view text, int times = 1) const;

    MessageQueue queue() const;
    void send(std::int64_t type, std::string_view body) const;

private:
    void show_log() const;

    TempDir dir_;
};

int count(std::string_view text, std::string_view part);

}  // namespace myq::test
