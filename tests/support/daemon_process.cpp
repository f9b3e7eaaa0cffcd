#include "tests/support/daemon_process.hpp"

#include "tests/support/verdict.hpp"

#include <fmt/format.h>

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace myq::test {

namespace fs = std::filesystem;

DaemonProcess::DaemonProcess(const Setup& setup) {
    fs::create_directory(dir() / "run");
    fs::create_directory(plugin_dir());
    configure(setup);
}

DaemonProcess::~DaemonProcess() {
    if (case_has_failed || std::uncaught_exceptions() > 0) show_log();
    kill_all();
    wait_until_gone();
}

void DaemonProcess::show_log() const {
    constexpr std::size_t most = 8'000;
    const std::string text = log();
    fmt::print(stderr, "what {} says last:\n{}\n", log_file().string(),
               text.substr(text.size() - std::min(text.size(), most)));
}

std::string DaemonProcess::binary() {
    const char* other = std::getenv("MYQD");
    return other != nullptr ? other : MYQD_BINARY;
}

void DaemonProcess::configure(const Setup& setup) {
    for (const std::string& plugin : setup.plugins)
        add_plugin(plugin);
    std::string text =
        fmt::format("daemon: {{user: myq, group: myq, run_dir: {}{}{}}}\n"
                    "log: {{file: {}, level: debug}}\n"
                    "plugins: {{dir: {}{}{}}}\n"
                    "journal: {{dir: {}{}{}}}\n"
                    "queues:\n"
                    "  - name: jobs\n"
                    "    key: {}\n",
                    (dir() / "run").string(), setup.daemon.empty() ? "" : ", ", setup.daemon,
                    log_file().string(), plugin_dir().string(), setup.directory.empty() ? "" : ", ",
                    setup.directory, journal_dir().string(), setup.journal.empty() ? "" : ", ",
                    setup.journal, key);
    std::istringstream lines(setup.queue);
    for (std::string line; std::getline(lines, line);)
        text += "    " + line + "\n";
    write_file(config_file(), text);
}

// By rename, as an administrator should.
void DaemonProcess::add_plugin(const std::string& name, const std::string& as) {
    const fs::path bundled = fs::path(BUNDLED_PLUGINS) / (name + ".so");
    const fs::path from = fs::exists(bundled) ? bundled : fs::path(TEST_PLUGINS) / (name + ".so");
    const fs::path to = plugin_dir() / ((as.empty() ? name : as) + ".so");
    fs::copy_file(from, to.string() + ".new", fs::copy_options::overwrite_existing);
    fs::permissions(to.string() + ".new", fs::perms{0644});
    fs::rename(to.string() + ".new", to);
}

Run DaemonProcess::myqd(const std::vector<std::string>& options) const {
    std::vector<std::string> command{binary(), "-c", config_file()};
    command.insert(command.end(), options.begin(), options.end());
    return run(command);
}

Run DaemonProcess::myq(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command{MYQ_BINARY, "-c", config_file()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command);
}

pid_t DaemonProcess::supervisor() const {
    pid_t pid = 0;
    std::ifstream(pid_file()) >> pid;
    return pid;
}

std::vector<pid_t> DaemonProcess::workers() const {
    std::vector<pid_t> pids;
    const pid_t parent = supervisor();
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", parent));
    for (pid_t pid = 0; children >> pid;)
        pids.push_back(pid);
    return pids;
}

void DaemonProcess::signal(int signal) const {
    const pid_t pid = supervisor();
    if (pid > 0) ::kill(pid, signal);
}

// The supervisor is stopped first, or it would fork again while its workers are killed.
void DaemonProcess::kill_all() const {
    const pid_t pid = supervisor();
    if (pid <= 0) return;
    ::kill(pid, SIGSTOP);
    for (const pid_t worker : workers())
        ::kill(worker, SIGKILL);
    ::kill(pid, SIGKILL);
}

void DaemonProcess::wait_until_gone() const {
    if (!eventually([&] { return status().exit_code != 0; })) {
        throw std::runtime_error("myqd does not end");
    }
}

bool DaemonProcess::logged(std::string_view text, int times) const {
    return eventually([&] { return count(log(), text) >= times; });
}

MessageQueue DaemonProcess::queue() const {
    return MessageQueue::open(QueueKey::from_text(key));
}

void DaemonProcess::send(std::int64_t type, std::string_view body) const {
    if (queue().send(type, std::as_bytes(std::span(body))) != SendStatus::sent) {
        throw std::runtime_error("not sent");
    }
}

int count(std::string_view text, std::string_view part) {
    int found = 0;
    for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

}  // namespace myq::test
