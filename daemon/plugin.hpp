#pragma once

#include "config/config.hpp"
#include "daemon/plugin_image.hpp"

#include <myq/plugin.h>

#include <memory>
#include <string>
#include <vector>

namespace myq {

// A handler's options in the shape of the C contract. Keeps what it points to; not to be moved
// once list() was handed out.
class PluginOptions {
public:
    explicit PluginOptions(std::vector<OptionConfig> options);
    PluginOptions(const PluginOptions&) = delete;
    PluginOptions& operator=(const PluginOptions&) = delete;

    const myq_option* list() const { return list_.data(); }
    std::size_t count() const { return list_.size(); }

private:
    std::vector<OptionConfig> options_;
    std::vector<std::vector<const char*>> values_;
    std::vector<myq_option> list_;
};

// A plugin in this process. Loading runs its code, so this happens in workers and in the probe
// only, after the drop. Never unloaded: code of C++ plugins cannot be taken out safely, and a
// process that ends does it for free.
class Plugin {
public:
    // Throws PluginError: not loadable, no entry, another ABI, a description that lacks something.
    explicit Plugin(const PluginImage& image);

    const myq_plugin& contract() const { return *contract_; }

private:
    const myq_plugin* contract_;
};

// What plugins are handed. Its log() puts the name of log_as() before each line.
const myq_host& plugin_host();
void log_as(const char* plugin);  // must stay valid until the next call
// How many lines of handlers are not in the log, since they were too many: see LogBudget. Before
// the process ends.
void say_what_was_left_out();
// Where touch() finds the deadline of the message in hand (SlotHeader::deadline_ns).
void touch_extends(std::int64_t* deadline_ns);
// Where reply() and progress() go; nullptr: nowhere.
class Replies;
void replies_go_to(Replies* where);

}  // namespace myq
