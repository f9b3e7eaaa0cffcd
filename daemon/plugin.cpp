#include "daemon/plugin.hpp"

#include "daemon/last_words.hpp"
#include "daemon/log_budget.hpp"
#include "daemon/replies.hpp"
#include "daemon/unix/clock.hpp"
#include "daemon/unix/signals.hpp"
#include "sdk/contract.hpp"

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace myq {

namespace {

const char* speaking = "plugin";
std::int64_t* deadline = nullptr;
Replies* replies = nullptr;

void touch(std::int64_t more_ms) {
    constexpr std::int64_t longest = std::int64_t{24} * 3'600'000;
    if (deadline == nullptr || *deadline == 0) return;
    const std::int64_t more = std::clamp<std::int64_t>(more_ms, 0, longest);
    std::atomic_ref(*deadline).store(monotonic_ns() + more * 1'000'000);
}

int reply(const void* data, std::size_t size) {
    if (replies == nullptr || size == 0) return 0;
    return replies->collect({static_cast<const std::byte*>(data), size}) ? 0 : -1;
}

void progress(std::uint64_t done, std::uint64_t total, const char* text, std::size_t size) {
    if (replies == nullptr) return;
    replies->progress(done, total,
                      text == nullptr ? std::string_view() : std::string_view(text, size));
}

LogBudget log_budget;

// As it will be in the log, where bytes that are not printable take four, with what is put before.
std::size_t size_in_log(std::string_view line) {
    constexpr std::size_t before = 64;
    const auto is_escaped = [](char c) { return c < ' ' || c > '~'; };
    return before + line.size() +
           3 * static_cast<std::size_t>(std::ranges::count_if(line, is_escaped));
}

// Says once that lines are left out now, and with the next line how many were.
bool may_log(std::string_view line) {
    const bool was_quiet = log_budget.left_out().lines != 0;
    if (log_budget.allows(size_in_log(line), monotonic_ns())) {
        if (was_quiet) say_what_was_left_out();
        return true;
    }
    if (!was_quiet) {
        spdlog::warn("{}: writes more than {} KiB a second into the log; what is more is left out",
                     speaking, LogBudget::a_second >> 10U);
    }
    return false;
}

void log_line(int level, const char* text, std::size_t size) {
    constexpr std::array levels{spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                spdlog::level::err};
    LastWords::keep_line(level, {text, size});
    const auto index = static_cast<std::size_t>(level);
    const auto grave = index < levels.size() ? levels.at(index) : spdlog::level::err;
    const std::string_view line(text, std::min(size, LogBudget::longest_line));
    if (!spdlog::should_log(grave) || !may_log(line)) return;
    if (line.size() == size) return spdlog::log(grave, "{}: {}", speaking, line);
    spdlog::log(grave, "{}: {}... ({} bytes more)", speaking, line, size - line.size());
}

// Of Boost's text only dlopen's own counts, and that names the memfd; the reader knows the file.
std::string load_failure(const PluginImage& image, std::string text,
                         const std::string& loaded_from) {
    constexpr std::string_view before = "(dlerror system message: ";
    const auto begin = text.find(before);
    const auto end = text.rfind("): ");
    if (begin != std::string::npos && end != std::string::npos && begin + before.size() <= end)
        text = text.substr(begin + before.size(), end - begin - before.size());
    for (auto at = text.find(loaded_from); at != std::string::npos; at = text.find(loaded_from)) {
        text.replace(at, loaded_from.size(), image.name + ".so");
    }
    return fmt::format("{}: cannot be loaded: {}", image.path.string(), text);
}

// With our number in it and not "self": a debugger opens what is loaded by the name that it finds
// here, and would look among its own files, and wait for ever if that is a pipe.
std::string name_of(const Fd& memory) {
    std::error_code ignored;
    const auto self = std::filesystem::read_symlink("/proc/self", ignored);
    return fmt::format("/proc/{}/fd/{}", self.empty() ? "self" : self.string(), memory.value());
}

}  // namespace

PluginOptions::PluginOptions(std::vector<OptionConfig> options) : options_(std::move(options)) {
    for (const OptionConfig& option : options_) {
        std::vector<const char*>& values = values_.emplace_back();
        for (const std::string& value : option.values)
            values.push_back(value.c_str());
    }
    for (std::size_t i = 0; i < options_.size(); ++i) {
        list_.push_back({options_[i].name.c_str(), values_[i].data(), values_[i].size()});
    }
}

Plugin::Plugin(const PluginImage& image) {
    const std::string from = name_of(image.memory);
    using Library = boost::dll::shared_library;
    // Never destroyed, since that would unload it: see the class comment.
    static auto& loaded = *new std::vector<std::unique_ptr<Library>>;
    Library* library = loaded.emplace_back(std::make_unique<Library>()).get();
    try {
        library->load(from, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    } catch (const std::exception& e) {
        throw PluginError(load_failure(image, e.what(), from));
    }
    if (!library->has("myq_plugin_entry")) {
        throw PluginError(image.path.string() +
                          ": exports no myq_plugin_entry(); see <myq/plugin.h>");
    }
    const auto& entry = library->get<const myq_plugin*(const myq_host*)>("myq_plugin_entry");
    contract_ = entry(&plugin_host());
    const std::string problem = contract_problem(contract_, "this daemon");
    if (!problem.empty()) throw PluginError(fmt::format("{}: {}", image.path.string(), problem));
}

const myq_host& plugin_host() {
    static const myq_host host{
        .size = sizeof(myq_host),
        .abi_major = MYQ_ABI_MAJOR,
        .abi_minor = MYQ_ABI_MINOR,
        .version = MYQ_VERSION,
        .log = log_line,
        .should_stop = [] { return stop_requested() ? 1 : 0; },
        .touch = touch,
        .reply = reply,
        .progress = progress,
    };
    return host;
}

void log_as(const char* plugin) {
    speaking = plugin;
}

void say_what_was_left_out() {
    const LogBudget::LeftOut left_out = log_budget.left_out();
    if (left_out.lines == 0) return;
    log_budget.forget_left_out();
    spdlog::warn("{} line{} of handlers, {} bytes, left out of the log", left_out.lines,
                 left_out.lines == 1 ? "" : "s", left_out.bytes);
}

void touch_extends(std::int64_t* deadline_ns) {
    deadline = deadline_ns;
}

void replies_go_to(Replies* where) {
    replies = where;
}

}  // namespace myq
