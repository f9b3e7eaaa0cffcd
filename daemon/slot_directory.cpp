#include "daemon/slot_directory.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/file_lock.hpp"
#include "daemon/unix/process_handle.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <charconv>

namespace myq {

namespace {

bool is_tmpfs(const std::filesystem::path& path) {
    struct statfs fs {};
    return ::statfs(path.c_str(), &fs) == 0 &&
           (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

// "/run/myq" in /dev/shm is "/dev/shm/run-myq": two daemons never share their slots.
std::filesystem::path in_shared_memory(const std::filesystem::path& run_dir) {
    std::string name = run_dir.lexically_normal().string().substr(1);
    std::replace(name.begin(), name.end(), '/', '-');
    return std::filesystem::path("/dev/shm") / name;
}

void make_private(const std::filesystem::path& path, const Identity& owner) {
    if (::mkdir(path.c_str(), 0700) == 0) {
        if (::lchown(path.c_str(), owner.uid, owner.gid) != 0)
            throw failure("chown " + path.string());
        return;
    }
    if (errno != EEXIST) throw failure("cannot make the directory " + path.string());
    // Somebody may have been here first: /dev/shm is everybody's.
    struct stat st {};
    if (::lstat(path.c_str(), &st) != 0) throw failure("lstat " + path.string());
    if (!S_ISDIR(st.st_mode) || st.st_uid != owner.uid || (st.st_mode & 077) != 0) {
        errno = EPERM;
        throw failure(path.string() + " is not a private directory of user " + owner.user +
                      "; see what it is and remove it");
    }
}

void end_holder(pid_t pid, const Fd& slot, std::chrono::milliseconds patience) {
    const ProcessHandle process(pid);
    if (!process || lock_holder(slot) != pid) return;  // gone meanwhile
    const auto deadline = std::chrono::steady_clock::now() + patience;
    // Repeated: msgrcv takes no signal mask, so a single signal may find it asleep.
    while (std::chrono::steady_clock::now() < deadline) {
        process.send(SIGTERM);
        if (process.wait_for_end(std::chrono::milliseconds{50})) return;
    }
    process.send(SIGKILL);
    process.wait_for_end(std::chrono::milliseconds{-1});
}

}  // namespace

SlotName::SlotName(const std::string& text) {
    const std::size_t mark = text.find_last_of(".+");
    queue_ = text.substr(0, mark);
    intake_ = mark != std::string::npos && text[mark] == '+';
    const char* digits = text.data() + std::min(mark, text.size() - 1) + 1;
    std::from_chars(digits, text.data() + text.size(), number_);
}

SlotDirectory::SlotDirectory(const std::filesystem::path& run_dir, const Identity& owner) {
    if (is_tmpfs(run_dir)) {
        path_ = run_dir / "slots";
    } else if (is_tmpfs("/dev/shm")) {
        path_ = in_shared_memory(run_dir);
    } else {
        return;
    }
    make_private(path_, owner);
}

std::vector<std::string> SlotDirectory::names() const {
    std::vector<std::string> names;
    if (path_.empty()) return names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
        if (entry.is_regular_file() && !entry.is_symlink())
            names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::unique_ptr<SlotFile> SlotDirectory::open(const std::string& name,
                                              std::size_t body_capacity) const {
    if (path_.empty()) return std::make_unique<SlotFile>(body_capacity);
    return std::make_unique<SlotFile>(path_, name, body_capacity);
}

SlotSnapshot SlotDirectory::look(const std::string& name) const {
    const Fd slot{::open((path_ / name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    return look_at_slot(slot);
}

std::set<std::uint64_t> SlotDirectory::identities() const {
    std::set<std::uint64_t> identities;
    for (const std::string& name : names())
        identities.insert(look(name).identity);
    return identities;
}

int SlotDirectory::evict_orphans(std::chrono::milliseconds patience) const {
    int orphans = 0;
    for (const std::string& name : names()) {
        const Fd slot{::open((path_ / name).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
        if (!slot) throw failure("cannot open the slot " + (path_ / name).string());
        if (const auto pid = lock_holder(slot)) {
            ++orphans;
            end_holder(*pid, slot, patience);
        }
    }
    return orphans;
}

}  // namespace myq
