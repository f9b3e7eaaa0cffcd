#include "daemon/plugin_watch.hpp"

#include "daemon/plugin_image.hpp"

#include <algorithm>

namespace myq {

namespace {

using std::chrono::milliseconds;

// More than a tick of the clock that files are marked with, so that what is written after a look
// has another mark.
constexpr milliseconds calm{50};
// Who removes a file may be about to write another.
constexpr milliseconds mourning{300};
// How often a directory is looked for that is gone.
constexpr milliseconds watch_interval{1'000};

}  // namespace

PluginWatch::PluginWatch(const std::filesystem::path& directory) : watch_(directory) {}

std::optional<PluginWatch::Clock::time_point> PluginWatch::next_look() const {
    std::optional<Clock::time_point> next;
    const auto consider = [&](const std::optional<Clock::time_point>& look) {
        if (look) next = next ? std::min(*next, *look) : *look;
    };
    for (const auto& [name, until] : unrest_)
        consider(until);
    consider(whole_at_);
    consider(look_again_at_);
    return next;
}

PluginWatch::Settled PluginWatch::settled(Clock::time_point now) {
    DirectoryWatch::News news = watch_.news();
    if (look_again_at_ && now >= *look_again_at_) news.is_whole |= watch_.look_again();
    for (const std::string& file : news.written) {
        if (const auto name = plugin_name_of(file)) unrest_[*name] = now + calm;
    }
    for (const std::string& file : news.gone) {
        if (const auto name = plugin_name_of(file)) unrest_[*name] = now + mourning;
    }
    if (news.is_whole) whole_at_ = now + mourning;
    if (watch_.is_watching()) {
        look_again_at_.reset();
    } else if (!look_again_at_ || now >= *look_again_at_) {
        look_again_at_ = now + watch_interval;
    }

    Settled settled{{}, whole_at_ && now >= *whole_at_, news.is_lost};
    if (settled.is_whole) whole_at_.reset();
    for (const auto& [name, until] : unrest_) {
        if (now >= until) settled.names.insert(name);
    }
    std::erase_if(unrest_, [&](const auto& one) { return now >= one.second; });
    return settled;
}

}  // namespace myq
