#pragma once

#include "config/config.hpp"
#include "daemon/plugin.hpp"

#include <myq/plugin.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace myq {

// A handler of the plan with the plugin that holds its code.
struct Route {
    HandlerConfig handler;
    std::shared_ptr<const PluginImage> image;
};

// The code for one type, started in this worker.
struct LiveHandler {
    const HandlerConfig* config;
    const myq_plugin* plugin;
    void* state;
    std::int64_t timeout_ns;  // 0: none
    std::size_t most = 1;     // messages in one call; 1: there are no calls of many
};

// Which handler takes which type, in one worker. Loads the plugins and starts every handler when
// it is made, and stops them when it ends; in between, find() is a search in a sorted array.
class HandlerTable {
public:
    // `routes` must outlive the table. Throws PluginError: a plugin does not load, a handler does
    // not start.
    explicit HandlerTable(std::span<const Route> routes);
    ~HandlerTable();
    HandlerTable(const HandlerTable&) = delete;
    HandlerTable& operator=(const HandlerTable&) = delete;

    // The type's own handler, else the one for `any`, else nullptr.
    const LiveHandler* find(std::int64_t type) const;

    std::span<const LiveHandler> all() const { return handlers_; }

private:
    void start(const Route& route, const Plugin& plugin);
    void stop_all() noexcept;

    std::vector<std::unique_ptr<PluginOptions>> options_;  // the plugins keep pointers into them
    std::vector<LiveHandler> handlers_;                    // by type; the one for `any` comes last
    bool has_any_ = false;
};

}  // namespace myq
