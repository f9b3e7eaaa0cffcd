#pragma once

#include "daemon/unix/owned.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace myq {

// A plugin that will not be used. what() is one sentence, "/dir/resize.so: why".
class PluginError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The bytes of one plugin file, checked and then frozen in a sealed memfd: what workers load is
// what was checked, and a `cp` over the file cannot pull code from under a running worker.
struct PluginImage {
    std::string name;            // the file name without ".so"
    std::filesystem::path path;  // where it came from
    Fd memory;
};

// Accepts DIR/NAME.so only if it is a regular ELF file with a plain name, the file and every
// directory above it belong to root (or to `trusted`, who runs an unprivileged daemon) and nobody
// else may write to them; all seen through the descriptor that is then read. Runs none of its code.
// Throws PluginError.
std::shared_ptr<const PluginImage> read_plugin(const std::filesystem::path& dir,
                                               const std::string& name, uid_t trusted);

// What tells one state of a file from another: it changes when the file is written, replaced, or
// given to others. Compared and nothing else.
using FileMark = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;

// Of DIR/NAME.so; nullopt when there is nothing of that name.
std::optional<FileMark> mark_of_plugin(const std::filesystem::path& dir, const std::string& name);

// Whether two images are the same code, byte for byte.
bool is_same_code(const PluginImage& one, const PluginImage& other);

// "resize" for resize.so, nullopt for a file that is no plugin by its name.
std::optional<std::string> plugin_name_of(std::string_view file);

// The names of the plugins in `dir`: files like resize.so. What package managers and editors leave
// lying about (resize.so.dpkg-new, .resize.so.swp, resize.so~) has no such name.
// Throws PluginError when the directory cannot be read.
std::vector<std::string> plugin_names(const std::filesystem::path& dir);

}  // namespace myq
