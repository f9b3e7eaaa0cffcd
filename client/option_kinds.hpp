#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace myq {

// Options whose values have a form of their own. What cannot be read is a usage error.

// 250ms, 30s, 5m, 2h, 1d
CLI::Option* add_duration(CLI::App& verb, const std::string& name,
                          std::optional<std::chrono::milliseconds>& value, const std::string& help);

// 4096, 64KiB, 1MiB
CLI::Option* add_size(CLI::App& verb, const std::string& name, std::optional<std::uint64_t>& value,
                      const std::string& help);

// 0620: octal, whether or not a zero stands before it
CLI::Option* add_mode(CLI::App& verb, const std::string& name, std::optional<mode_t>& value,
                      const std::string& help);

}  // namespace myq
