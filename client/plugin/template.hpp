#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace myq {

struct TemplateFile {
    std::string name;
    std::string text;
};

// The files of a new plugin.
std::vector<TemplateFile> plugin_template(const std::string& name, std::int64_t type);

}  // namespace myq
