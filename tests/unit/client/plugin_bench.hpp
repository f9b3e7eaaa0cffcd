#pragma once

#include "tests/support/temp_dir.hpp"
#include "tests/unit/client/client_process.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace myq::test {

// A directory of root's with plugins in it, and a `myq plugin` that finds the daemon just built.
class PluginBench {
public:
    PluginBench() {
        std::filesystem::remove("/usr/sbin/myqd");  // in this world only
        write_file(dir_.path() / "myq.yaml", "daemon: {user: nobody, group: nogroup}\n");
    }

    std::filesystem::path path(const std::string& plugin) const {
        return dir_.path() / (plugin + ".so");
    }

    std::string add(const std::string& plugin) const {
        const auto bundled = std::filesystem::path(BUNDLED_PLUGINS) / (plugin + ".so");
        const auto other = std::filesystem::path(TEST_PLUGINS) / (plugin + ".so");
        std::filesystem::copy_file(exists(bundled) ? bundled : other, path(plugin));
        std::filesystem::permissions(path(plugin), std::filesystem::perms{0644});
        return path(plugin);
    }

    Outcome run(std::vector<std::string> words, const std::string& input = {},
                const std::string& daemon_dir = MYQD_DIR) const {
        words.insert(words.begin(), {"-c", dir_.path() / "myq.yaml", "plugin"});
        return myq(words, {.input = input, .env = {"PATH=" + daemon_dir + ":/usr/bin:/bin"}});
    }

private:
    TempDir dir_;
};

}  // namespace myq::test
