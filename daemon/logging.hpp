#pragma once

#include "config/config.hpp"
#include "daemon/unix/privileges.hpp"

#include <string>
#include <string_view>

namespace myq {

// Sends spdlog to the configured target. For a file, standard error itself becomes the log, in this
// process and every later child: what a library or a dying process writes there is kept as well.
// The file is made for `owner` if missing, so call before the drop. Every record is one line and
// one write(2); whatever is not printable ASCII in it is escaped, since much of it comes from
// strangers. Throws std::system_error when the file cannot be had.
void open_log(const LogConfig& config, const Identity& owner);

// For a child whose standard error is a pipe to its parent, who trusts it no further: each record
// as it is, its level in front. The parent logs what has come, line by line, as the words of
// `plugin`.
void log_for_parent();
void log_words_of_child(const std::string& plugin, std::string_view words);

void set_log_level(LogConfig::Level level);

// Opens the log file anew after a rotation. Async-signal-safe. When the file cannot be opened (a
// directory that only root may write, and nobody made the new file) the old one stays in use, and
// open(2)'s errno is returned; 0 when all is well, also when the log is no file.
int reopen_log() noexcept;

// The same, and says so in the old file when the new one cannot be had. For the supervisor: one
// complaint is enough for all.
void rotate_log();

// For a process that will not be able to connect to syslog(3) later.
void keep_log_open();

}  // namespace myq
