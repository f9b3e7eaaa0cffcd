#include "daemon/blob_sweep.hpp"

#include "ipc/blob_head.hpp"
#include "ipc/blob_janitor.hpp"
#include "ipc/lock_holder.hpp"
#include "ipc/message_queue.hpp"
#include "ipc/reply_queue.hpp"

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace myq {

namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::seconds patience{60};

nanoseconds since_boot() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds{now.tv_sec} + nanoseconds{now.tv_nsec};
}

// Somebody holds it with SIGSTOP or a debugger, and the kernel may have a message for it in hand.
bool is_stopped(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string stat;
    std::getline(file, stat);
    const std::size_t name_end = stat.rfind(") ");
    const char state = name_end + 2 < stat.size() ? stat[name_end + 2] : ' ';
    return state == 'T' || state == 't';
}

// Where the messages are that blobs may belong to.
class Search {
public:
    Search(const SlotDirectory& slots, SweepTime when) : slots_(slots), when_(when) {}

    // Queues before slots: messages only go from there to here.
    bool look_everywhere(std::span<const QueuePlan> queues) {
        for (const QueuePlan& queue : queues) {
            const QueueKey& key = queue.config.key;
            if (!look_into_queue(key)) unclear_.insert(key.value());
        }
        // Slots that are nobody's files cannot be found; before the start there are none.
        if (slots_.path().empty()) return when_ == SweepTime::at_start;
        const std::vector<std::string> names = slots_.names();
        return std::all_of(names.begin(), names.end(),
                           [&](const std::string& name) { return look_into_slot(name); });
    }

    bool is_unclear(const UnattachedBlob& blob) const { return unclear_.contains(blob.queue); }
    bool has_found(const UnattachedBlob& blob) const { return found_.contains(blob.token); }

private:
    bool look_into_queue(const QueueKey& key) {
        try {
            return find_blob_tokens(MessageQueue::open(key), found_);
        } catch (const IpcError& e) {
            return e.error() == ENOENT;  // it and its messages are gone
        }
    }

    bool look_into_slot(const std::string& name) {
        const Fd slot{
            ::open((slots_.path() / name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
        struct stat status {};
        if (!slot || ::fstat(slot.value(), &status) != 0) return false;
        const auto holder = lock_holder(slot.value());
        if (holder && holder->pid > 0 && is_stopped(holder->pid)) return false;
        std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
        const ssize_t size = ::pread(slot.value(), bytes.data(), bytes.size(), 0);
        if (size != status.st_size) return false;
        find_blob_tokens(bytes, found_);
        return true;
    }

    const SlotDirectory& slots_;
    SweepTime when_;
    std::set<BlobToken> found_;
    std::set<key_t> unclear_;
};

// A caller removes its queue after it has fetched its reply, so that without one nobody can come.
// At the start, too, one may have read where its reply lies and be about to fetch it.
int sweep_replies(uid_t self) {
    const std::vector<UnattachedBlob> replies = unattached_replies(self);
    if (replies.empty()) return 0;
    remove_orphaned_reply_queues(self, std::chrono::hours{24});
    int removed = 0;
    for (const UnattachedBlob& reply : replies) {
        const ReplyNews news = news_of(reply, self);
        if (news == ReplyNews::waits) {
            keep_referenced(reply, self);
            continue;
        }
        const nanoseconds wait = news == ReplyNews::no_more ? nanoseconds{0} : patience;
        if (remove_unreferenced(reply, self, since_boot(), wait)) ++removed;
    }
    return removed;
}

int sweep(std::span<const QueuePlan> queues, const SlotDirectory& slots, uid_t self,
          SweepTime when) {
    int removed = remove_unfinished_blobs(self) + sweep_replies(self);
    std::vector<UnattachedBlob> blobs = unattached_blobs(self);
    // Whoever serves the other queues knows where their messages are.
    std::erase_if(blobs, [&](const UnattachedBlob& blob) {
        return std::none_of(queues.begin(), queues.end(), [&](const QueuePlan& queue) {
            return queue.config.key.value() == blob.queue;
        });
    });
    if (blobs.empty()) return removed;
    Search search(slots, when);
    if (!search.look_everywhere(queues)) return removed;
    const nanoseconds wait = when == SweepTime::at_start ? nanoseconds{0} : patience;
    for (const UnattachedBlob& blob : blobs) {
        if (search.is_unclear(blob)) continue;
        if (search.has_found(blob)) {
            keep_referenced(blob, self);
        } else if (remove_unreferenced(blob, self, since_boot(), wait)) {
            ++removed;
        }
    }
    return removed;
}

}  // namespace

int sweep_blobs(std::span<const QueuePlan> queues, const SlotDirectory& slots, uid_t self,
                SweepTime when) noexcept {
    try {
        const int removed = sweep(queues, slots, self, when);
        if (removed > 0) {
            spdlog::info("freed the shared memory of {} bod{} without a message", removed,
                         removed == 1 ? "y" : "ies");
        }
        return removed;
    } catch (const std::exception& e) {
        spdlog::error("cannot look for shared memory that nobody needs: {}", e.what());
        return 0;
    }
}

bool has_blobs_to_judge(uid_t self) noexcept {
    try {
        const std::vector<SharedMemoryStat> all = SharedMemory::list();
        return std::any_of(all.begin(), all.end(), [&](const SharedMemoryStat& stat) {
            return stat.attached == 0 &&
                   (is_given_in_part(stat, self) || is_given_reply(stat, self));
        });
    } catch (const std::exception&) {
        return false;  // the next time
    }
}

}  // namespace myq
