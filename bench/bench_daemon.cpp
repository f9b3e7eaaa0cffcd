#include "bench/bench_daemon.hpp"

#include "bench/command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace myq::bench {

namespace {

using Path = std::filesystem::path;

std::string read(const Path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

// One that nobody uses; the process id makes it likely at the first try.
QueueKey free_key() {
    for (int n = 0;; ++n) {
        const auto key = QueueKey::from_text(std::to_string(0x62000000 + ::getpid() * 64 + n));
        if (!MessageQueue::exists(key)) return key;
    }
}

// The daemon gives up root's rights in favour of this user, so there is no way without.
void check_service_user() {
    if (::geteuid() != 0 || ::getpwnam("myq") != nullptr) return;  // NOLINT(concurrency-mt-unsafe)
    throw std::runtime_error("started by root: there is no user myq: use script/bench, which runs "
                             "this on a machine of its own, or start it as an ordinary user");
}

// What it says may be no longer than a pipe holds.
Milliseconds run_to_end(const std::vector<std::string>& words) {
    const auto begun = std::chrono::steady_clock::now();
    Command command(words);
    const int status = command.wait();
    const Milliseconds taken = std::chrono::steady_clock::now() - begun;
    if (status == 0) return taken;
    throw std::runtime_error(
        fmt::format("{}: exit status {}: {}", fmt::join(words, " "), status, command.rest()));
}

}  // namespace

BenchDaemon::BenchDaemon(const Setup& setup) : program_(setup.program), key_(free_key()) {
    check_service_user();
    const Path plugins = directory_.path() / "plugins";
    std::filesystem::create_directory(plugins);
    std::filesystem::permissions(plugins, std::filesystem::perms{0755});
    for (const Path plugin : {MYQ_BENCH_SINK, MYQ_BENCH_EXEC}) {
        std::filesystem::copy_file(plugin, plugins / plugin.filename());
        std::filesystem::permissions(plugins / plugin.filename(), std::filesystem::perms{0644});
    }
    configure(setup);
    start();
}

BenchDaemon::~BenchDaemon() {
    try {
        if (running_) stop();
        if (MessageQueue::exists(key_)) MessageQueue::open(key_).remove();
    } catch (const std::exception& e) {
        fmt::print(stderr, "myq-bench: {}\n", e.what());
    }
}

void BenchDaemon::configure(const Setup& setup) const {
    std::ofstream file(config());
    file << fmt::format(
        R"(daemon: {{run_dir: "{0}/run"}}
log: {{target: file, file: "{0}/myqd.log"}}
plugins: {{dir: "{0}/plugins", auto_route: false}}
queues:
  - name: bench
    key: {1}
    capacity: {2}
    receivers: 1
    handlers: [{{type: any, plugin: sink}}{3}]
)",
        directory_.path().string(), key_.text(), setup.capacity,
        setup.command.empty()
            ? ""
            : fmt::format(", {{type: {}, plugin: exec, options: {{command: [{}]}}}}", command_type,
                          setup.command));
    // Left out otherwise, so that a daemon that knows no journal can be measured too.
    if (setup.journal_dir.empty()) return;
    file << fmt::format(R"(    durability: journal
journal: {{dir: "{}", max_size: 1024GiB, min_free: 0}}
)",
                        setup.journal_dir.string());
}

Milliseconds BenchDaemon::start() {
    const Milliseconds taken = run_to_end({program_, "--config", config()});
    running_ = true;
    queue_ = MessageQueue::open(key_);
    return taken;
}

Milliseconds BenchDaemon::stop() {
    const Milliseconds taken = run_to_end({program_, "--config", config(), "--stop"});
    running_ = false;
    return taken;
}

Milliseconds BenchDaemon::ask(std::vector<std::string> words) const {
    words.insert(words.begin(), {MYQ_BENCH_CLIENT, "--config", config()});
    return run_to_end(words);
}

void BenchDaemon::replace_plugin() const {
    const Path plugin = directory_.path() / "plugins" / Path(MYQ_BENCH_SINK).filename();
    const Path next = directory_.path() / "next";
    std::filesystem::copy_file(plugin, next);
    // What follows the sections of an object is nobody's.
    std::ofstream(next, std::ios::app) << '\n';
    std::filesystem::rename(next, plugin);
}

std::vector<pid_t> BenchDaemon::processes() const {
    const std::string supervisor =
        std::to_string(std::stoi(read(directory_.path() / "run/myqd.pid")));
    std::istringstream children(
        read(Path("/proc") / supervisor / "task" / supervisor / "children"));
    std::vector<pid_t> pids{std::stoi(supervisor)};
    pids.insert(pids.end(), std::istream_iterator<pid_t>(children), {});
    return pids;
}

pid_t BenchDaemon::worker() const {
    const std::vector<pid_t> pids = processes();
    if (pids.size() != 2) throw std::runtime_error("the daemon has no worker; its log:\n" + log());
    return pids.back();
}

std::string BenchDaemon::log() const {
    return read(directory_.path() / "myqd.log");
}

}  // namespace myq::bench
