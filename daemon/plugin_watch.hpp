#pragma once

#include "daemon/unix/directory_watch.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace myq {

// Which plugins' files have changed, once they have come to rest: what is written in pieces is told
// once, and a file that is removed and made anew is not told as removed. Files that are no plugins
// by their name are not told of.
class PluginWatch {
public:
    using Clock = std::chrono::steady_clock;

    // Throws std::system_error as DirectoryWatch.
    explicit PluginWatch(const std::filesystem::path& directory);

    int fd() const { return watch_.fd(); }
    // When settled() has something at the latest, if the descriptor says nothing before.
    std::optional<Clock::time_point> next_look() const;

    struct Settled {
        std::set<std::string> names;  // of plugins; the files may be there or not
        bool is_whole = false;        // any file of the directory may have changed
        bool is_lost = false;         // the directory is gone
    };
    Settled settled(Clock::time_point now);

private:
    DirectoryWatch watch_;
    std::map<std::string, Clock::time_point> unrest_;  // until when
    std::optional<Clock::time_point> whole_at_;
    std::optional<Clock::time_point> look_again_at_;
};

}  // namespace myq
