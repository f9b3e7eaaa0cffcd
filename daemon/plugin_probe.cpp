#include "daemon/plugin_probe.hpp"

#include "daemon/handler_table.hpp"
#include "daemon/logging.hpp"
#include "daemon/option_check.hpp"
#include "daemon/plugin.hpp"
#include "daemon/probe_fence.hpp"
#include "daemon/unix/child.hpp"
#include "daemon/unix/daemonize.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/terminal.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace myq {

namespace {

constexpr std::chrono::seconds probe_patience{10};
constexpr std::size_t largest_report = std::size_t{1} << 20;

const char* name_of_kind(std::int32_t kind) {
    constexpr std::array kinds{"text", "integer", "boolean", "duration", "path", "list"};
    const auto index = static_cast<std::size_t>(kind);
    return index < kinds.size() ? kinds.at(index) : "text";
}

nlohmann::json option_list(const myq_plugin& contract) {
    const auto text = [](const char* or_null) { return or_null == nullptr ? "" : or_null; };
    nlohmann::json list = nlohmann::json::array();
    for (std::size_t i = 0; i < contract.option_count; ++i) {
        const myq_option_spec& option = contract.options[i];
        list.push_back({{"name", text(option.name)},
                        {"kind", name_of_kind(option.kind)},
                        {"required", option.required != 0},
                        {"default", text(option.default_value)},
                        {"help", text(option.help)}});
    }
    return list;
}

nlohmann::json describe(const std::shared_ptr<const PluginImage>& image,
                        const std::vector<const HandlerConfig*>& handlers, ProbeDepth depth) {
    log_as(image->name.c_str());
    const Plugin plugin(*image);
    const myq_plugin& contract = plugin.contract();
    std::vector<std::string> problems;
    std::vector<Route> routes;
    for (const HandlerConfig* handler : handlers) {
        const auto found = check_options(contract, *handler);
        problems.insert(problems.end(), found.begin(), found.end());
        routes.push_back({*handler, image});
    }
    if (depth == ProbeDepth::start && problems.empty()) const HandlerTable started(routes);
    return {
        {"name", contract.name},
        {"version", contract.version},
        {"types", std::vector<std::int64_t>(contract.types, contract.types + contract.type_count)},
        {"options", option_list(contract)},
        {"problems", problems}};
}

// No terminal, and nobody's input; what it writes is for the parent to show.
void step_aside(const Fd& words) {
    leave_terminal();
    silence(STDIN_FILENO);
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
        if (::dup2(words.value(), fd) < 0) throw failure("dup2");
    }
    log_for_parent();
}

// The child's whole life. What it prints is the report, which the parent does not trust.
int report(const std::shared_ptr<const PluginImage>& image,
           const std::vector<const HandlerConfig*>& handlers, const std::optional<Identity>& run_as,
           ProbeDepth depth, const Fd& out, const Fd& words) {
    nlohmann::json report;
    try {
        step_aside(words);
        if (run_as) drop_privileges(*run_as, {});
        const rlimit no_core{0, 0};
        ::setrlimit(RLIMIT_CORE, &no_core);
        // What a worker does a moment later, it does as a worker does.
        if (depth == ProbeDepth::describe) raise_fence(probe_fence(probe_patience));
        report = describe(image, handlers, depth);
    } catch (const std::exception& e) {
        report = {{"error", e.what()}};
    }
    const std::string text = report.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    return ::write(out.value(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0
                                                                                               : 1;
}

PluginDescription description_in(const nlohmann::json& json) {
    PluginDescription description{json.at("name").get<std::string>(),
                                  json.at("version").get<std::string>(),
                                  json.at("types").get<std::vector<std::int64_t>>(),
                                  {}};
    for (const nlohmann::json& option : json.at("options")) {
        description.options.push_back(
            {option.at("name").get<std::string>(), option.at("kind").get<std::string>(),
             option.at("required").get<bool>(), option.at("default").get<std::string>(),
             option.at("help").get<std::string>()});
    }
    return description;
}

}  // namespace

PluginProbe::PluginProbe(std::shared_ptr<const PluginImage> image,
                         const std::vector<const HandlerConfig*>& handlers,
                         const std::optional<Identity>& run_as, ProbeDepth depth)
    : image_(std::move(image)),
      deadline_(Clock::now() + probe_patience) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw failure("pipe2");
    in_ = Fd{ends[0]};
    const Fd out{ends[1]};
    // Nobody reads this one before the end: who writes too much must not wait for that.
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) throw failure("pipe2");
    words_ = Fd{ends[0]};
    const Fd words{ends[1]};
    child_ = fork_child([&] { return report(image_, handlers, run_as, depth, out, words); },
                        {out.value(), words.value(), image_->memory.value()});
    ::fcntl(in_.value(), F_SETFL, O_NONBLOCK);
}

bool PluginProbe::advance() {
    std::array<char, 4096> part{};
    while (text_.size() <= largest_report) {
        const ssize_t n = ::read(in_.value(), part.data(), part.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            is_late_ = Clock::now() >= deadline_;
            return is_late_;
        }
        if (n <= 0) return true;
        text_.append(part.data(), static_cast<std::size_t>(n));
    }
    return true;
}

void PluginProbe::ended(int wait_status) {
    child_.disown();
    wait_status_ = wait_status;
}

std::string PluginProbe::end_of_process() {
    if (!wait_status_) {
        int status = 0;
        ::kill(child_.value(), SIGKILL);  // it may have closed the pipe and live on
        ::waitpid(child_.value(), &status, 0);
        ended(status);
    }
    return describe_exit(*wait_status_);
}

void PluginProbe::log_words() {
    std::string words;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::read(words_.value(), part.data(), part.size())) > 0;)
        words.append(part.data(), static_cast<std::size_t>(n));
    words_.reset();
    log_words_of_child(image_->name, words);
}

ProbeResult PluginProbe::result() {
    if (is_late_) end_of_process();
    log_words();
    const std::string path = image_->path.string();
    if (is_late_)
        throw PluginError(
            fmt::format("{}: did not say what it is within {} s", path, probe_patience.count()));
    const auto json = nlohmann::json::parse(text_, nullptr, false);
    if (!json.is_object()) {
        throw PluginError(
            fmt::format("{}: ended the process that loaded it ({})", path, end_of_process()));
    }
    try {
        if (json.contains("error"))
            throw PluginError(plain_line(json.at("error").get<std::string>()));
        auto problems = json.at("problems").get<std::vector<std::string>>();
        for (std::string& problem : problems)
            problem = plain_line(problem);
        return {description_in(json), std::move(problems)};
    } catch (const nlohmann::json::exception& e) {
        throw PluginError(fmt::format("{}: describes itself wrongly: {}", path, e.what()));
    }
}

ProbeResult probe_plugin(const std::shared_ptr<const PluginImage>& image,
                         const std::vector<const HandlerConfig*>& handlers,
                         const std::optional<Identity>& run_as, ProbeDepth depth) {
    PluginProbe probe(image, handlers, run_as, depth);
    while (!probe.advance()) {
        pollfd readable{probe.fd(), POLLIN, 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(probe.deadline() -
                                                                       PluginProbe::Clock::now());
        ::poll(&readable, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    }
    return probe.result();
}

}  // namespace myq
