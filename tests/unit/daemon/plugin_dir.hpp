#pragma once

#include "tests/unit/daemon/run_dir.hpp"

#include <filesystem>
#include <initializer_list>
#include <string>

namespace myq::test {

// A plugin directory of root's with copies of some of the test plugins: those of the build tree may
// belong to anybody.
class PluginDir : public RunDir {
public:
    PluginDir(std::initializer_list<const char*> plugins) {
        for (const char* plugin : plugins)
            add(plugin);
    }

    void add(const std::string& plugin) const {
        std::filesystem::copy_file(std::filesystem::path(TEST_PLUGINS) / (plugin + ".so"),
                                   file(plugin));
        std::filesystem::permissions(file(plugin), std::filesystem::perms(0644));
    }

    std::filesystem::path file(const std::string& plugin) const {
        return path() / (plugin + ".so");
    }
};

}  // namespace myq::test
