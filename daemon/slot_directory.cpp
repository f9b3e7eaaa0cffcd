#include "daemon/slot_directory.hpp"

#include "daemon/unix/failure.hpp"
#include "daemon/unix/private_directory.hpp"
#include "daemon/unix/process_handle.hpp"
#include "ipc/lock_holder.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>

namespace myq {

namespace {

// For a killed process to be gone.
constexpr std::chrono::seconds killing_patience{10};
constexpr int most_holders = 8;  // of one slot, one after the other

bool is_tmpfs(const std::filesystem::path& path) {
    struct statfs fs {};
    return ::statfs(path.c_str(), &fs) == 0 &&
           (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

// Not blocking: a FIFO by that name would hold us for ever.
Fd open_to_look(const std::filesystem::path& path) {
    return Fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
}

// Who has the slot as a worker has it: with a write lock, and a number to find it by.
std::optional<LockHolder> worker_on(const Fd& slot) {
    auto holder = lock_holder(slot.value());
    if (holder && (!holder->is_writer || holder->pid <= 0)) holder.reset();
    return holder;
}

// False if it may not be ended: then it is none of our user's, and no worker of ours.
bool end_worker(const LockHolder& worker, const Fd& slot, std::chrono::milliseconds patience) {
    const ProcessHandle process(worker.pid);
    const auto still = worker_on(slot);
    if (!process || !still || still->pid != worker.pid) return true;  // gone meanwhile
    const auto deadline = std::chrono::steady_clock::now() + patience;
    // Repeated: msgrcv takes no signal mask, so a single signal may find it asleep.
    while (std::chrono::steady_clock::now() < deadline) {
        if (!process.send(SIGTERM) && errno == EPERM) return false;
        if (process.wait_for_end(std::chrono::milliseconds{50})) return true;
    }
    if (!process.send(SIGKILL) && errno == EPERM) return false;
    if (process.wait_for_end(killing_patience)) return true;
    throw std::runtime_error("a worker of a killed daemon cannot be ended, it is stuck in the "
                             "kernel: " +
                             worker.text);
}

}  // namespace

SlotName::SlotName(const std::string& text) {
    const std::size_t mark = text.find_last_of(".+");
    queue_ = text.substr(0, mark);
    intake_ = mark != std::string::npos && text[mark] == '+';
    const char* digits = text.data() + std::min(mark, text.size() - 1) + 1;
    std::from_chars(digits, text.data() + text.size(), number_);
}

// "/run/myq" in /dev/shm is "/dev/shm/run-myq": two daemons never share their slots.
std::filesystem::path SlotDirectory::in_shared_memory(const std::filesystem::path& run_dir) {
    std::string name = run_dir.lexically_normal().string().substr(1);
    std::replace(name.begin(), name.end(), '/', '-');
    return std::filesystem::path("/dev/shm") / name;
}

SlotDirectory::SlotDirectory(const std::filesystem::path& run_dir, const Identity& owner) {
    if (is_tmpfs(run_dir)) {
        path_ = run_dir / "slots";
    } else if (is_tmpfs("/dev/shm")) {
        path_ = in_shared_memory(run_dir);
    } else {
        return;
    }
    // Somebody may have been here first: /dev/shm is everybody's.
    if (make_private_directory(path_, owner)) return;
    errno = EPERM;
    throw failure(path_.string() + " is not a private directory of user " + owner.user +
                  "; see what it is and remove it");
}

std::vector<std::string> SlotDirectory::names() const {
    std::vector<std::string> names;
    if (path_.empty()) return names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
        const bool is_slot = entry.is_regular_file() && !entry.is_symlink();
        if (is_slot && !SlotFile::is_unfinished(entry.path().filename()))
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
    return look_at_slot(open_to_look(path_ / name));
}

std::set<std::uint64_t> SlotDirectory::identities() const {
    std::set<std::uint64_t> identities;
    for (const std::string& name : names())
        identities.insert(look(name).identity);
    return identities;
}

int SlotDirectory::evict_orphans(std::chrono::milliseconds patience) const {
    int ended = 0;
    for (const std::string& name : names()) {
        const Fd slot = open_to_look(path_ / name);
        if (!slot) throw failure("cannot open the slot " + (path_ / name).string());
        // One that is ended may have left another behind, but not one for each that ends.
        for (int i = 0; i < most_holders; ++i) {
            const auto worker = worker_on(slot);
            if (!worker || !end_worker(*worker, slot, patience)) break;
            ++ended;
        }
    }
    return ended;
}

}  // namespace myq
