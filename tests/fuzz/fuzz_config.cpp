#include "config/config.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

// Any text is a configuration or a ConfigError, and any other exception ends the run. Of both it is
// asked what config.hpp promises.
namespace {

using namespace myq;

void require(bool is_so, std::string_view promise, std::string_view shown) {
    if (is_so) return;
    std::fprintf(stderr, "broken: %.*s: %.*s\n", static_cast<int>(promise.size()), promise.data(),
                 static_cast<int>(shown.size()), shown.data());
    std::abort();
}

// Takes "12:" from the front.
bool take_number(std::string_view& text) {
    int number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    if (error != std::errc{} || number < 1 || !text.starts_with(':')) return false;
    text.remove_prefix(1);
    return true;
}

void check_complaint(std::string_view all) {
    while (true) {
        const std::string_view line = all.substr(0, all.find('\n'));
        std::string_view rest = line;
        const bool has_file = rest.starts_with("/f:");
        if (has_file) rest.remove_prefix(3);
        require(has_file && take_number(rest) && take_number(rest) && rest.starts_with(' '),
                "a mistake says file:line:column", line);
        require(std::none_of(line.begin(), line.end(),
                             [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
                "a mistake is one line without control characters", line);
        if (line.size() == all.size()) return;
        all.remove_prefix(line.size() + 1);
    }
}

void check_retry(const RetryConfig& retry, std::string_view where) {
    require(retry.attempts >= 1 && retry.attempts <= 1000, "attempts are in range", where);
    require(retry.delay.count() >= 0 && retry.delay <= retry.max_delay &&
                retry.max_delay <= std::chrono::hours{30 * 24},
            "delays are in range and in order", where);
    require(retry.jitter >= 0 && retry.jitter <= 100, "jitter is in range", where);
}

void check_queue(const QueueConfig& queue) {
    require(queue.mode <= 0777, "a mode has permission bits only", queue.where);
    int workers = 0;
    for (const ReceiverConfig& receiver : queue.receivers)
        workers += receiver.count;
    require(workers >= 1 && workers <= 256, "a queue has 1 to 256 workers", queue.where);
    check_retry(queue.retry, queue.where);
    std::set<std::optional<std::int64_t>> types;
    for (const HandlerConfig& handler : queue.handlers) {
        require(types.insert(handler.type).second, "a type has one handler", handler.where);
        require(!handler.plugin.empty() && handler.plugin.find('/') == std::string::npos,
                "a plugin is a plain name", handler.where);
        if (handler.retry) check_retry(*handler.retry, handler.where);
    }
}

void check(const Config& config) {
    require(!config.queues.empty(), "there is a queue", "");
    require(config.journal.dir.empty() || config.journal.dir.is_absolute(), "a path is absolute",
            config.journal.dir.native());
    std::set<std::string> names;
    for (const QueueConfig& queue : config.queues) {
        require(names.insert(queue.name).second, "a name is one queue's", queue.name);
        check_queue(queue);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    try {
        check(parse_config(text, "/f", "/plugins"));
    } catch (const ConfigError& e) {
        check_complaint(e.what());
    }
    return 0;
}
