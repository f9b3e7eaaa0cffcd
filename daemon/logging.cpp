#include "daemon/logging.hpp"

#include "daemon/unix/directory_of.hpp"
#include "daemon/unix/failure.hpp"
#include "daemon/unix/owned.hpp"
#include "ipc/printable.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace myq {

namespace {

// The log file's path, kept for reopen_log(): a signal handler can be given no argument.
std::string& log_path() {
    static std::string path;
    return path;
}

bool is_syslog = false;

// The message with everything escaped that is not printable: "%*" in the pattern.
class PrintablePayload : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& record, const std::tm&,
                spdlog::memory_buf_t& line) override {
        const std::string text = printable({record.payload.data(), record.payload.size()});
        line.append(text.data(), text.data() + text.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<PrintablePayload>();
    }
};

std::unique_ptr<spdlog::pattern_formatter> line_format(const std::string& pattern,
                                                       const std::string& end_of_line) {
    auto format =
        std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::local, end_of_line);
    format->add_flag<PrintablePayload>('*').set_pattern(pattern);
    return format;
}

// O_NOFOLLOW: a link in a log directory is somebody's attempt to have root write elsewhere.
constexpr int log_flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

Fd open_log_file(const std::string& path, const Identity& owner) {
    try {
        Fd fd;
        in_directory_of(path, owner, [&](int directory, const char* name) {
            fd = Fd{::openat(directory, name, log_flags | O_CREAT, 0640)};
            if (!fd) throw failure("openat");
        });
        return fd;
    } catch (const std::system_error& e) {
        throw std::system_error(e.code(), "cannot open the log file " + path);
    }
}

void send_stderr_to_file(const std::string& path, const Identity& owner) {
    const Fd fd = open_log_file(path, owner);
    struct stat st {};
    if (::fstat(fd.value(), &st) != 0) throw failure("fstat " + path);
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
        errno = EPERM;
        throw failure("the log file " + path + " is not a plain file with one name");
    }
    if (::geteuid() == 0 && st.st_uid == 0 &&
        ::fchown(fd.value(), owner.uid, static_cast<gid_t>(-1)) != 0) {
        throw failure("cannot give the log file " + path + " to user " + owner.user);
    }
    if (::dup2(fd.value(), STDERR_FILENO) < 0) throw failure("dup2");
}

}  // namespace

void open_log(const LogConfig& config, const Identity& owner) {
    std::shared_ptr<spdlog::logger> logger;
    is_syslog = config.target == LogConfig::Target::syslog;
    if (is_syslog) {
        logger = std::make_shared<spdlog::logger>(
            "myqd",
            std::make_shared<spdlog::sinks::syslog_sink_st>("myqd", LOG_PID, LOG_DAEMON, true));
        logger->set_formatter(line_format("%l: %*", ""));
    } else {
        if (config.target == LogConfig::Target::file) {
            send_stderr_to_file(config.file, owner);
            log_path() = config.file;
        }
        logger = std::make_shared<spdlog::logger>(
            "myqd", std::make_shared<spdlog::sinks::stderr_sink_st>());
        logger->set_formatter(line_format("%Y-%m-%dT%H:%M:%S.%e%z myqd[%P] %l: %*", "\n"));
    }
    spdlog::set_default_logger(logger);
    set_log_level(config.level);
}

void log_for_parent() {
    auto logger =
        std::make_shared<spdlog::logger>("myqd", std::make_shared<spdlog::sinks::stderr_sink_st>());
    logger->set_level(spdlog::get_level());
    logger->set_pattern("<%l>%v");
    spdlog::set_default_logger(logger);
}

void log_words_of_child(const std::string& plugin, std::string_view words) {
    while (!words.empty()) {
        const std::string_view line = words.substr(0, words.find('\n'));
        words.remove_prefix(std::min(line.size() + 1, words.size()));
        const std::size_t end = line.starts_with('<') ? line.find('>') : std::string_view::npos;
        const auto level = end == std::string_view::npos
                               ? spdlog::level::off
                               : spdlog::level::from_str(std::string(line.substr(1, end - 1)));
        if (level != spdlog::level::off) {
            spdlog::log(level, "{}", line.substr(end + 1));
        } else if (!line.empty()) {
            spdlog::info("{}: {}", plugin, line);
        }
    }
}

void set_log_level(LogConfig::Level level) {
    switch (level) {
    case LogConfig::Level::debug:
        return spdlog::set_level(spdlog::level::debug);
    case LogConfig::Level::info:
        return spdlog::set_level(spdlog::level::info);
    case LogConfig::Level::warn:
        return spdlog::set_level(spdlog::level::warn);
    case LogConfig::Level::error:
        return spdlog::set_level(spdlog::level::err);
    }
}

int reopen_log() noexcept {
    if (log_path().empty()) return 0;
    const int fd = ::open(log_path().c_str(), log_flags | O_CREAT, 0640);
    if (fd < 0) return errno;
    if (fd == STDERR_FILENO) {  // somebody had closed it
        ::fcntl(fd, F_SETFD, 0);
        return 0;
    }
    ::dup2(fd, STDERR_FILENO);
    ::close(fd);
    return 0;
}

void keep_log_open() {
    if (is_syslog) ::openlog("myqd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void rotate_log() {
    const int error = reopen_log();
    if (error == 0) return;
    spdlog::error("cannot open the log file {} anew: {}; the old one is written on: see that user "
                  "{} may write it, and signal again",
                  log_path(), std::generic_category().message(error), ::geteuid());
}

}  // namespace myq
