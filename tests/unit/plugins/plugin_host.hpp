#pragma once

#include <myq/plugin.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The smallest host that a plugin can live in: loads the built .so and drives it through the C
// contract, without a daemon.

struct LogLine {
    int level;
    std::string text;
    friend bool operator==(const LogLine&, const LogLine&) = default;
    friend std::ostream& operator<<(std::ostream& out, const LogLine& line) {
        return out << line.level << " \"" << line.text << '"';
    }
};

using OptionMap = std::vector<std::pair<std::string, std::vector<std::string>>>;

struct Answer {
    int verdict;
    std::string reason;
    friend bool operator==(const Answer&, const Answer&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Answer& answer) {
        return out << answer.verdict << " \"" << answer.reason << '"';
    }
};

// What a message is beside its body.
struct Letter {
    std::int64_t type = 7;
    std::string type_name = "resize";
    std::string queue = "jobs";
    std::uint32_t attempt = 1;
    std::int64_t timeout_ms = 0;
    std::string id = {};
    bool wants_reply = false;
};

// One plugin, started with options as a worker would; stopped in the destructor.
class StartedPlugin {
public:
    // Throws std::runtime_error with the plugin's reason when it does not start.
    StartedPlugin(const std::string& name, OptionMap options);
    ~StartedPlugin();
    StartedPlugin(const StartedPlugin&) = delete;
    StartedPlugin& operator=(const StartedPlugin&) = delete;

    Answer handle(std::string_view body, const Letter& letter = {});

    // As many as these in one call.
    std::vector<Answer> handle_many(const std::vector<std::string>& bodies,
                                    const Letter& letter = {});
    std::size_t most_at_once() const { return plugin_->most_at_once(state_); }

    // What the last answer said of the next try; 0 for nothing.
    std::int64_t last_delay_ms() const { return last_delay_ms_; }

private:
    const myq_plugin* plugin_;
    OptionMap options_;
    std::vector<std::vector<const char*>> values_;
    std::vector<myq_option> contract_options_;
    void* state_;
    std::int64_t last_delay_ms_ = 0;
};

// What a plugin says of itself.
const myq_plugin& description(const std::string& name);

// What check() says to these options: its sentence, or "" when it accepts them.
std::string refusal(const std::string& name, const OptionMap& options);

// What plugins logged since the last call.
std::vector<LogLine> take_log();

// What plugins replied since the last call.
std::string take_reply();

// A directory that is removed with everything in it.
class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

// The bytes of a file.
std::string contents(const std::filesystem::path& file);
