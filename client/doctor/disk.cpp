#include "client/doctor/checks.hpp"
#include "config/directories.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>

namespace myq::doctor {

namespace {

using std::chrono::microseconds;

constexpr const char* about_disk = "journal's disk";
constexpr std::size_t syncs = 9;
// A confirmed message waits for a sync; a disk with a cache of its own needs a tenth of it.
constexpr microseconds slow_sync{30'000};

// The median of some syncs of 4 KiB, in a file without a name. nullopt with errno set.
std::optional<microseconds> sync_time(const std::filesystem::path& dir) {
    const int fd = ::open(dir.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return std::nullopt;
    const std::array<char, 4096> page{};
    std::array<microseconds, syncs> times{};
    bool is_done = true;
    for (microseconds& time : times) {
        const auto begun = std::chrono::steady_clock::now();
        is_done = is_done && ::write(fd, page.data(), page.size()) == ssize_t{page.size()} &&
                  ::fdatasync(fd) == 0;
        time = std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begun);
    }
    const int error = errno;
    ::close(fd);
    errno = error;
    if (!is_done) return std::nullopt;
    std::sort(times.begin(), times.end());
    return times.at(syncs / 2);
}

bool forgets(const struct statfs& fs) {
    return fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC;
}

std::string mebibytes(std::uint64_t bytes) {
    return fmt::format("{} MiB", bytes >> 20U);
}

void check_room(const struct statfs& fs, const std::filesystem::path& dir, std::uint64_t min_free,
                Findings& findings) {
    const auto free = std::uint64_t{fs.f_bavail} * static_cast<std::uint64_t>(fs.f_bsize);
    if (free < min_free) {
        findings.push_back({Severity::error, about_disk,
                            fmt::format("{} has {} free, journal.min_free is {}: new messages are "
                                        "refused or wait",
                                        dir.string(), mebibytes(free), mebibytes(min_free)),
                            "make room; work goes on by itself then"});
    } else if (free / 2 < min_free) {
        findings.push_back({Severity::warning, about_disk,
                            fmt::format("{} has {} free; below {} new messages are refused",
                                        dir.string(), mebibytes(free), mebibytes(min_free)),
                            "make room"});
    }
}

void check_sync(const std::filesystem::path& dir, Findings& findings) {
    const auto time = sync_time(dir);
    if (!time) {
        const bool may_not = errno == EACCES || errno == EPERM;
        findings.push_back({may_not ? Severity::unknown : Severity::warning, about_disk,
                            fmt::format("{}: cannot be tried: {}", dir.string(),
                                        std::generic_category().message(errno)),
                            may_not ? "run it as root" : "see dmesg"});
        return;
    }
    const double ms = static_cast<double>(time->count()) / 1000;
    findings.push_back({*time > slow_sync ? Severity::warning : Severity::fine, about_disk,
                        fmt::format("{}: a sync takes {:.1f} ms", dir.string(), ms),
                        *time > slow_sync ? "a confirmed message waits as long: put journal.dir on "
                                            "a faster disk"
                                          : ""});
}

}  // namespace

void check_disk(const Patient& patient, Findings& findings) {
    if (!patient.config) return;
    const std::filesystem::path dir =
        journal_directory(patient.config->journal, patient.config_file);
    struct statfs fs {};
    if (::statfs(dir.c_str(), &fs) != 0) {
        const bool is_missing = errno == ENOENT && !patient.daemon;
        findings.push_back({is_missing ? Severity::fine : Severity::unknown, about_disk,
                            is_missing ? dir.string() + " is made when the daemon starts"
                                       : fmt::format("{}: {}", dir.string(),
                                                     std::generic_category().message(errno)),
                            is_missing ? "" : "run it as root"});
        return;
    }
    check_room(fs, dir, patient.config->journal.min_free, findings);
    if (forgets(fs)) {
        findings.push_back({Severity::error, about_disk,
                            dir.string() + " is in memory: what is confirmed there does not "
                                           "survive a reboot",
                            "put journal.dir on a disk"});
        return;
    }
    check_sync(dir, findings);
}

}  // namespace myq::doctor
