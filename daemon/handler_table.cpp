#include "daemon/handler_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>

namespace myq {

namespace {

// What a format makes of a body is kept of one message only.
std::size_t most_at_once(const HandlerConfig& config, const myq_plugin& plugin, void* state) {
    const bool may = plugin.size >= offsetof(myq_plugin, handle_many) + sizeof plugin.handle_many &&
                     plugin.handle_many != nullptr && config.format == HandlerConfig::Format::raw;
    if (!may) return 1;
    return std::clamp<std::size_t>(plugin.most_at_once(state), 1, MYQ_MOST_AT_ONCE);
}

}  // namespace

HandlerTable::HandlerTable(std::span<const Route> routes) {
    std::map<const PluginImage*, Plugin> loaded;  // one load for all its handlers
    try {
        for (const Route& route : routes) {
            const auto entry = loaded.try_emplace(route.image.get(), *route.image).first;
            start(route, entry->second);
        }
    } catch (...) {
        stop_all();
        throw;
    }
    std::sort(handlers_.begin(), handlers_.end(), [](const LiveHandler& a, const LiveHandler& b) {
        if (!a.config->type || !b.config->type) return a.config->type.has_value();
        return *a.config->type < *b.config->type;
    });
    has_any_ = !handlers_.empty() && !handlers_.back().config->type;
}

HandlerTable::~HandlerTable() {
    stop_all();
}

const LiveHandler* HandlerTable::find(std::int64_t type) const {
    const auto end = handlers_.end() - (has_any_ ? 1 : 0);
    const auto found = std::lower_bound(handlers_.begin(), end, type,
                                        [](const LiveHandler& handler, std::int64_t wanted) {
                                            return *handler.config->type < wanted;
                                        });
    if (found != end && *found->config->type == type) return &*found;
    return has_any_ ? &handlers_.back() : nullptr;
}

void HandlerTable::start(const Route& route, const Plugin& plugin) {
    const myq_plugin& contract = plugin.contract();
    const PluginOptions& options =
        *options_.emplace_back(std::make_unique<PluginOptions>(route.handler.options));
    std::array<char, 512> reason{};
    log_as(contract.name);
    void* state = contract.start(&plugin_host(), options.list(), options.count(), reason.data(),
                                 reason.size());
    if (state == nullptr) {
        reason.back() = '\0';
        throw PluginError(fmt::format("{}: plugin {} does not start: {}", route.handler.where,
                                      contract.name,
                                      reason[0] != '\0' ? reason.data() : "it gave no reason"));
    }
    using std::chrono::nanoseconds;
    const auto timeout =
        route.handler.timeout ? nanoseconds(*route.handler.timeout) : nanoseconds{0};
    handlers_.push_back({&route.handler, &contract, state, timeout.count(),
                         most_at_once(route.handler, contract, state)});
}

void HandlerTable::stop_all() noexcept {
    for (const LiveHandler& handler : handlers_) {
        log_as(handler.plugin->name);
        const bool has_stop =
            handler.plugin->size >= offsetof(myq_plugin, stop) + sizeof handler.plugin->stop;
        if (has_stop && handler.plugin->stop != nullptr) handler.plugin->stop(handler.state);
    }
    handlers_.clear();
}

}  // namespace myq
