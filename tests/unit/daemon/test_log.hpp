#pragma once

#include "tests/unit/daemon/lines.hpp"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <memory>
#include <sstream>
#include <string>
#include <string_view>

namespace myq::test {

// What this process logs, "warning: queue jobs: …" a line, as long as the object lives.
class KeptLog {
public:
    KeptLog() : before_(spdlog::default_logger()) {
        auto logger = std::make_shared<spdlog::logger>(
            "test", std::make_shared<spdlog::sinks::ostream_sink_st>(text_, true));
        logger->set_pattern("%l: %v");
        spdlog::set_default_logger(logger);
    }
    ~KeptLog() { spdlog::set_default_logger(before_); }
    KeptLog(const KeptLog&) = delete;
    KeptLog& operator=(const KeptLog&) = delete;

    std::string text() const { return text_.str(); }
    // How often `part` stands in it.
    int count(std::string_view part) const {
        const std::string all = text();
        int found = 0;
        for (std::size_t at = all.find(part); at != std::string::npos; at = all.find(part, at + 1))
            ++found;
        return found;
    }

private:
    std::shared_ptr<spdlog::logger> before_;
    std::ostringstream text_;
};

// For a child: what it logs, and what else it writes to standard error, becomes lines for the test.
inline void log_to(const Lines& lines) {
    ::dup2(lines.out(), STDERR_FILENO);
    auto logger =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::stderr_sink_st>());
    logger->set_pattern("%l: %v");
    spdlog::set_default_logger(logger);
}

}  // namespace myq::test
