#include "client/journal_access.hpp"

#include "client/account.hpp"
#include "client/failure.hpp"
#include "config/directories.hpp"

#include <fmt/format.h>

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace myq {

namespace {

std::string error_text(int error) {
    return std::generic_category().message(error);
}

Failure not_permitted(const std::filesystem::path& directory, uid_t owner) {
    const std::string other = owner == 0 ? "" : fmt::format(" or as user {}", user_name(owner));
    return {ExitCode::permission,
            fmt::format("{}: the journal is not open to you: run it as root{}", directory.string(),
                        other)};
}

void become_owner(const std::filesystem::path& directory, const struct stat& status) {
    if (geteuid() != 0) return;
    if (status.st_uid == 0) {
        if ((status.st_mode & 0022U) == 0) return;
        throw Failure(ExitCode::permission,
                      fmt::format("{}: mode {:04o} lets others write what root would read: "
                                  "chmod go-w",
                                  directory.string(), status.st_mode & 07777U));
    }
    const uid_t uid = status.st_uid;
    const gid_t gid = status.st_gid;
    if (setgroups(1, &gid) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) {
        throw Failure(ExitCode::system,
                      fmt::format("{}: cannot become its owner, {}: {}", directory.string(),
                                  user_name(uid), error_text(errno)));
    }
}

}  // namespace

std::unique_ptr<Journal> open_journal(const std::optional<Config>& config,
                                      const std::filesystem::path& config_file) {
    const JournalConfig wanted = config ? config->journal : JournalConfig{};
    const std::filesystem::path directory = journal_directory(wanted, config_file);
    struct stat status {};
    if (stat(directory.c_str(), &status) != 0) {
        if (errno == ENOENT) return nullptr;
        if (errno == EACCES) throw not_permitted(directory, 0);
        throw Failure(ExitCode::system,
                      fmt::format("{}: cannot be read: {}", directory.string(), error_text(errno)));
    }
    become_owner(directory, status);
    try {
        const JournalLimits limits{.max_size = wanted.max_size, .min_free = wanted.min_free};
        return std::make_unique<Journal>(directory, limits, false);
    } catch (const JournalError& e) {
        if (e.kind() == JournalError::Kind::missing) return nullptr;
        // Refused at the door; or else the journal itself says what is wrong with its files.
        if (access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
            throw not_permitted(directory, status.st_uid);
        }
        throw;
    }
}

}  // namespace myq
