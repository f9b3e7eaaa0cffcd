// What the client believes of the daemon's answers to `status` and `plugins`: any bytes are such an
// answer or are refused with a sentence, and what people are shown of one cannot drive a terminal.
#include "client/daemon_status.hpp"
#include "client/failure.hpp"
#include "client/plugin/status.hpp"
#include "client/status_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

using namespace myq;

namespace {

constexpr std::int64_t now_ms = 1'700'000'000'000;

void must(bool holds) {
    if (!holds) __builtin_trap();
}

bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c <= 0x7e); });
}

// None is cut short, or made of something else.
void check_numbers(const DaemonStatus& status, const nlohmann::json& said) {
    must(said["pid"] == status.pid && said["started_ms"] == status.started_ms);
    must(said["workers"].size() == status.workers.size());
    for (std::size_t i = 0; i < status.workers.size(); ++i) {
        const DaemonStatus::Worker& worker = status.workers[i];
        must(said["workers"][i]["pid"] == worker.pid);
        must(!worker.type || said["workers"][i]["type"] == *worker.type);
        must(said["workers"][i]["messages"] == worker.messages);
    }
}

void check_status(std::string_view answer) {
    DaemonStatus status;
    try {
        status = parse_daemon_status(answer);
    } catch (const std::invalid_argument& e) {
        return must(e.what()[0] != '\0');
    }
    check_numbers(status, nlohmann::json::parse(answer));
    const std::string text = to_text(status, "", now_ms);
    must(text.starts_with("myqd ") && text.ends_with('\n') && is_plain(text));
    for (const DaemonStatus::Queue& queue : status.queues) {
        const std::string of_one = to_text(status, queue.name, now_ms);
        must(of_one.size() <= text.size() && is_plain(of_one));
    }
}

void check_plugins(const std::string& answer) {
    try {
        const PluginDirectory directory = parse_plugins(answer);
        for (const PluginStatus& plugin : directory.plugins) {
            for (const PluginStatus::Route& route : plugin.routes)
                must(is_plain(route_text(route)));
        }
    } catch (const Failure& e) {
        must(is_plain(e.what()) && e.code() == ExitCode::internal);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const std::string answer(reinterpret_cast<const char*>(data), size);
    check_status(answer);
    check_plugins(answer);
    return 0;
}
