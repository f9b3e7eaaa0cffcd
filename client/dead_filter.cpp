#include "client/dead_filter.hpp"

#include "client/failure.hpp"
#include "client/parse_time.hpp"
#include "client/type.hpp"
#include "config/whole_number.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace myq {

namespace {

// A name that several queues have must mean the same in each.
std::int64_t type_in_any_queue(const std::string& text, const std::optional<Config>& config) {
    std::set<std::int64_t> meant;
    if (config) {
        for (const QueueConfig& queue : config->queues) {
            for (const HandlerConfig& handler : queue.handlers) {
                if (handler.type && handler.name == text) meant.insert(*handler.type);
            }
        }
    }
    if (meant.size() == 1) return *meant.begin();
    if (meant.empty()) return parse_type(text, {"", {}, {}});
    throw Failure(ExitCode::usage,
                  fmt::format("--type {}: means another type in each queue: add --queue", text));
}

std::int64_t type_in(const std::string& queue, const std::string& text,
                     const std::optional<Config>& config) {
    if (queue.empty()) return type_in_any_queue(text, config);
    Address address{queue, {}, {}};
    if (config) {
        for (const QueueConfig& one : config->queues) {
            if (one.name == queue) address.config = one;
        }
    }
    // A queue that left the configuration may have left messages: then the number is known.
    return parse_type(text, address);
}

std::int64_t since_ms(const std::string& text, std::int64_t now_ms) {
    try {
        return parse_since_ms(text, now_ms);
    } catch (const std::invalid_argument& e) {
        throw Failure(ExitCode::usage, fmt::format("--since: {}", e.what()));
    }
}

}  // namespace

void DeadFilter::add(CLI::App& verb, const Words& words) {
    verb.add_option("NUMBER", numbers,
                    fmt::format("Only these, by their numbers in {}", words.list))
        ->check(whole_number(1))
        ->type_name("");
    verb.add_option("--queue", queue, "Only those of this queue")->type_name("QUEUE");
    verb.add_option("--type", type, "Only those of this type: a number, or a handler's name")
        ->type_name("TYPE");
    verb.add_option("--since", since,
                    fmt::format("Only those that {} since then: 2h ago, HH:MM, 'YYYY-MM-DD HH:MM', "
                                "@EPOCH",
                                words.since))
        ->type_name("TIME");
    verb.add_option("--match", match, "Only those with this text in the body or in the reason")
        ->type_name("TEXT");
    verb.add_flag("--all", all, words.all);
}

bool DeadFilter::is_empty() const {
    return numbers.empty() && queue.empty() && type.empty() && since.empty() && !match;
}

JournalFilter DeadFilter::filter(const std::optional<Config>& config, std::int64_t now_ms) const {
    JournalFilter filter;
    filter.states = {JournalState::dead};
    if (!queue.empty()) filter.queue = queue;
    if (!type.empty()) filter.type = type_in(queue, type, config);
    if (!since.empty()) filter.since_ms = since_ms(since, now_ms);
    filter.match = match;
    filter.rows = numbers;
    std::sort(filter.rows.begin(), filter.rows.end());
    filter.rows.erase(std::unique(filter.rows.begin(), filter.rows.end()), filter.rows.end());
    return filter;
}

}  // namespace myq
