#include "ipc/lock_holder.hpp"

#include "ipc/printable.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace myq {

namespace {

namespace fs = std::filesystem;

std::string proc(pid_t pid, const char* file) {
    return "/proc/" + std::to_string(pid) + "/" + file;
}

std::string process_text(pid_t pid) {
    std::ifstream file(proc(pid, "comm"));
    std::string name;
    std::getline(file, name);
    std::string text = "process " + std::to_string(pid);
    if (!name.empty()) text += " (" + printable(name) + ")";
    if (const auto user = user_of_process(pid)) text += " of uid " + std::to_string(*user);
    return text;
}

// Whether /proc/PID/fdinfo/FD tells of such a lock; see proc(5).
bool has_open_file_lock(const fs::path& fdinfo) {
    std::ifstream info(fdinfo);
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("lock:") && line.find(" OFDLCK ") != std::string::npos) return true;
    }
    return false;
}

bool has_open_file_lock(const fs::path& process, const struct stat& file) {
    std::error_code error;  // it is not ours to look at, or has ended meanwhile
    fs::directory_iterator entry(process / "fd", error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        struct stat st {};
        if (::stat(entry->path().c_str(), &st) != 0) continue;
        const bool is_same = st.st_dev == file.st_dev && st.st_ino == file.st_ino;
        if (is_same && has_open_file_lock(process / "fdinfo" / entry->path().filename()))
            return true;
    }
    return false;
}

// The first process that has such a lock: others may share it.
pid_t find_open_file_lock(int file) {
    struct stat st {};
    if (::fstat(file, &st) != 0) return 0;
    std::error_code error;
    fs::directory_iterator entry("/proc", error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const std::string number = entry->path().filename();
        pid_t pid = 0;
        std::from_chars(number.data(), number.data() + number.size(), pid);
        if (pid > 0 && has_open_file_lock(entry->path(), st)) return pid;
    }
    return 0;
}

std::string text_of(pid_t pid, int file) {
    if (pid > 0) return process_text(pid);
    if (const pid_t found = find_open_file_lock(file))
        return process_text(found) + ", through an open file description";
    return "a process that the kernel does not name (lsof shows who has the file open)";
}

}  // namespace

std::optional<LockHolder> lock_holder(int file, std::optional<off_t> byte) {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte.value_or(0);
    lock.l_len = byte ? 1 : 0;
    if (::fcntl(file, F_GETLK, &lock) != 0)
        throw std::system_error(errno, std::generic_category(), "F_GETLK");
    if (lock.l_type == F_UNLCK) return std::nullopt;
    const pid_t pid = lock.l_pid > 0 ? lock.l_pid : 0;
    return LockHolder{pid, lock.l_type == F_WRLCK, text_of(pid, file)};
}

std::optional<uid_t> user_of_process(pid_t pid) {
    std::ifstream status(proc(pid, "status"));
    for (std::string line; std::getline(status, line);) {
        if (!line.starts_with("Uid:")) continue;
        std::istringstream numbers(line.substr(4));
        uid_t real = 0;
        uid_t effective = 0;
        if (numbers >> real >> effective) return effective;
    }
    return std::nullopt;
}

}  // namespace myq
