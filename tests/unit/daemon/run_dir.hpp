#pragma once

#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <string>

namespace myq::test {

// A directory of root's on a tmpfs that ends with the test, as /run/myq is for a daemon.
class RunDir {
public:
    RunDir() {
        std::string name = "/run/test.XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::system_error(errno, std::generic_category(), name);
        }
        path_ = name;
        ::chmod(name.c_str(), 0755);
    }
    ~RunDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    RunDir(const RunDir&) = delete;
    RunDir& operator=(const RunDir&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace myq::test
