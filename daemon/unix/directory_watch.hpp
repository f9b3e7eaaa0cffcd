#pragma once

#include "daemon/unix/owned.hpp"

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

struct inotify_event;

namespace myq {

// What happens to the files of one directory, by inotify(7). The directory is known by its path: it
// may be removed, and come back as another one or behind another symbolic link.
class DirectoryWatch {
public:
    // Throws std::system_error where the directory cannot be watched: it is not there, or the
    // machine's limits are reached.
    explicit DirectoryWatch(const std::filesystem::path& directory);

    int fd() const { return inotify_.value(); }  // readable when news() has something

    struct News {
        std::set<std::string> written;  // closed after writing, renamed into place, given to others
        std::set<std::string> gone;     // removed, or renamed away
        bool is_whole = false;          // events were lost, or it is another directory: look at all
        bool is_lost = false;           // there is no directory any more
    };
    // What has happened since; never waits.
    News news();

    // False after `is_lost`, until it is there again. Nothing tells of a directory whose parent is
    // gone too: whoever wants it back calls look_again() now and then, which says true then.
    bool is_watching() const { return directory_watch_ >= 0; }
    bool look_again();

private:
    void watch_parent();
    bool watch_directory();
    void take(const inotify_event& event, News& news);

    std::filesystem::path directory_;
    Fd inotify_;
    int directory_watch_ = -1;
    int parent_watch_ = -1;
    bool must_look_ = false;
};

}  // namespace myq
