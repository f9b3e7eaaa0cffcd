#pragma once

#include "plugins/process/child.hpp"
#include "plugins/process/output.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The program that an option names, if it is one that may be run. Runs nothing. Throws
// std::invalid_argument that begins with the option's name.
void check_program(std::string_view option, const std::filesystem::path& program);

// PATH as a command finds it that was given no other.
inline constexpr const char* standard_path =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// How long a command may take, and what it is given between SIGTERM and SIGKILL when that is over.
struct Patience {
    std::chrono::milliseconds time, last_words;
};

// Runs a command to its end with `input`, all of it, as a file on its standard input, and `out` and
// `err` as its outputs. Nothing when it did not end in time, and so was killed with
// its group. What a command that ended left running is left alone, but not listened to any more.
// Throws std::system_error when it cannot be run.
std::optional<Child::End> run_command(const Command& command,
                                      const std::vector<std::string>& environment,
                                      std::string_view input,
                                      const std::optional<Patience>& patience, Output out,
                                      Output err);

// "exit status 3", "killed by SIGSEGV".
std::string describe(const Child::End& end);

// "30 s", "250 ms".
std::string readable(std::chrono::milliseconds time);
