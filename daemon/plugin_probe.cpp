#include "daemon/plugin_probe.hpp"

#include "daemon/option_check.hpp"
#include "daemon/plugin.hpp"
#include "daemon/unix/child.hpp"
#include "daemon/unix/failure.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include <array>
#include <chrono>

namespace myq {

namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::size_t largest_report = std::size_t{1} << 20;

nlohmann::json describe(const PluginImage& image,
                        const std::vector<const HandlerConfig*>& handlers) {
    log_as(image.name.c_str());
    const Plugin plugin(image);
    const myq_plugin& contract = plugin.contract();
    std::vector<std::string> problems;
    for (const HandlerConfig* handler : handlers) {
        const auto found = check_options(contract, *handler);
        problems.insert(problems.end(), found.begin(), found.end());
    }
    return {
        {"name", contract.name},
        {"version", contract.version},
        {"types", std::vector<std::int64_t>(contract.types, contract.types + contract.type_count)},
        {"problems", problems}};
}

// The child's whole life. What it prints is the report, which the parent does not trust.
int report(const PluginImage& image, const std::vector<const HandlerConfig*>& handlers,
           const std::optional<Identity>& run_as, const Fd& out) {
    nlohmann::json report;
    try {
        if (run_as) drop_privileges(*run_as, {});
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        report = describe(image, handlers);
    } catch (const std::exception& e) {
        report = {{"error", e.what()}};
    }
    const std::string text = report.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    return ::write(out.value(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0
                                                                                               : 1;
}

// Reads to the end of the report, or as long as patience lasts.
std::string read_report(const Fd& in, const PluginImage& image) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::string text;
    std::array<char, 4096> part{};
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd readable{in.value(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) == 0) {
            throw PluginError(fmt::format("{}: did not say what it is within {} s",
                                          image.path.string(), patience.count()));
        }
        const ssize_t n = ::read(in.value(), part.data(), part.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0 || text.size() > largest_report) return text;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

}  // namespace

ProbeResult probe_plugin(const PluginImage& image,
                         const std::vector<const HandlerConfig*>& handlers,
                         const std::optional<Identity>& run_as) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw failure("pipe2");
    Fd in{ends[0]};
    Fd out{ends[1]};
    ChildPid child = fork_child([&] {
        in.reset();
        return report(image, handlers, run_as, out);
    });
    out.reset();
    const std::string text = read_report(in, image);
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) {
        int status = 0;
        ::kill(child.value(), SIGKILL);  // it may have closed the pipe and live on
        ::waitpid(child.disown(), &status, 0);
        throw PluginError(fmt::format("{}: ended the process that loaded it ({})",
                                      image.path.string(), describe_exit(status)));
    }
    try {
        if (json.contains("error")) throw PluginError(json.at("error").get<std::string>());
        return {{json.at("name").get<std::string>(), json.at("version").get<std::string>(),
                 json.at("types").get<std::vector<std::int64_t>>()},
                json.at("problems").get<std::vector<std::string>>()};
    } catch (const nlohmann::json::exception& e) {
        throw PluginError(
            fmt::format("{}: describes itself wrongly: {}", image.path.string(), e.what()));
    }
}

}  // namespace myq
