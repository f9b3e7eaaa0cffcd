#include "daemon/sandbox.hpp"

#include "config/directories.hpp"
#include "daemon/slot_directory.hpp"

#include <fmt/format.h>

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace myq {

namespace {

namespace fs = std::filesystem;

// What programs and libraries need to run at all.
constexpr std::array needed_to_run{
    "/usr", "/bin",  "/sbin",     "/lib",      "/lib32",    "/lib64",      "/libx32",
    "/etc", "/proc", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
constexpr std::array needed_to_write{"/dev/null", "/dev/zero", "/dev/full"};

template <std::size_t size>
Fence::Paths those_that_exist(const std::array<const char*, size>& paths) {
    Fence::Paths found;
    std::error_code error;
    std::copy_if(paths.begin(), paths.end(), std::back_inserter(found),
                 [&](const char* path) { return fs::exists(path, error); });
    return found;
}

void add_paths(Fence::Paths& paths, const std::vector<fs::path>& more) {
    paths.insert(paths.end(), more.begin(), more.end());
}

// Whether one is the other, or lies in it.
bool overlap(const fs::path& one, const fs::path& other) {
    const auto [a, b] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
    const auto is_over = [](auto at, const fs::path& path) {
        return at == path.end() || at->empty();  // the name behind the last slash
    };
    return is_over(a, one) || is_over(b, other);
}

std::string problem_of_path(const char* key, const fs::path& path,
                            const std::vector<fs::path>& of_daemon) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (error) return fmt::format("{}: {}: {}", key, path.string(), error.message());
    for (const fs::path& ours : of_daemon) {
        if (overlap(real, fs::weakly_canonical(ours, error))) {
            return fmt::format("{}: {}: {} is the daemon's, and no sandbox leads there", key,
                               path.string(), ours.string());
        }
    }
    return {};
}

}  // namespace

Fence fence_of(const SandboxConfig& sandbox, std::optional<int> queue) {
    Fence fence;
    fence.read = those_that_exist(needed_to_run);
    add_paths(*fence.read, sandbox.read);
    fence.write = those_that_exist(needed_to_write);
    add_paths(*fence.write, sandbox.write);
    if (!sandbox.network) fence.network = Fence::Network::none;
    fence.change_modes = false;
    fence.other_processes = false;
    fence.signals_stay_inside = true;
    fence.new_processes = sandbox.processes != 0;
    fence.system_v = false;
    fence.queue = queue.value_or(-1);  // no queue has that id
    const auto limit = [&](int resource, std::uint64_t most) {
        fence.limits.push_back({resource, most});
    };
    if (sandbox.memory) limit(RLIMIT_AS, memory_in_use().address_space + *sandbox.memory);
    if (sandbox.cpu) {
        using std::chrono::seconds;
        limit(RLIMIT_CPU,
              static_cast<std::uint64_t>(std::chrono::ceil<seconds>(*sandbox.cpu).count()));
    }
    if (sandbox.files) limit(RLIMIT_NOFILE, static_cast<std::uint64_t>(*sandbox.files));
    if (sandbox.processes.value_or(0) > 0)
        limit(RLIMIT_NPROC, static_cast<std::uint64_t>(*sandbox.processes));
    return fence;
}

std::vector<fs::path> paths_of_daemon(const Config& config, const fs::path& config_file) {
    const fs::path run_dir = run_directory(config.daemon, config_file);
    std::vector<fs::path> paths{run_dir, SlotDirectory::in_shared_memory(run_dir),
                                journal_directory(config.journal, config_file)};
    if (config.log.target == LogConfig::Target::file) paths.push_back(config.log.file);
    return paths;
}

std::vector<std::string> problems_of(const SandboxConfig& sandbox,
                                     const std::vector<fs::path>& of_daemon) {
    std::vector<std::string> problems = beyond_kernel(fence_of(sandbox, std::nullopt));
    const auto check = [&](const char* key, const std::vector<fs::path>& paths) {
        for (const fs::path& path : paths) {
            std::string problem = problem_of_path(key, path, of_daemon);
            if (!problem.empty()) problems.push_back(std::move(problem));
        }
    };
    check("read", sandbox.read);
    check("write", sandbox.write);
    return problems;
}

}  // namespace myq
