#pragma once

#include "daemon/slot.hpp"
#include "daemon/unix/privileges.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace myq {

// What a slot is called: QUEUE.NUMBER for a worker's, QUEUE+NUMBER for an intake's, which holds a
// batch. A queue's name has no '+'.
class SlotName {
public:
    SlotName(std::string queue, bool is_intake, int number)
        : queue_(std::move(queue)),
          number_(number),
          intake_(is_intake) {}
    explicit SlotName(const std::string& text);

    const std::string& queue() const { return queue_; }
    bool is_intake() const { return intake_; }
    bool belongs_to(const std::string& queue, bool intake) const {
        return queue_ == queue && intake_ == intake;
    }
    std::string text() const { return queue_ + (intake_ ? '+' : '.') + std::to_string(number_); }

private:
    std::string queue_;
    int number_ = 0;
    bool intake_ = false;
};

// Where the slots of one daemon are: RUN_DIR/slots if that is on a tmpfs, else a private directory
// in /dev/shm, else nowhere, and every slot is a memfd that ends with the daemon.
class SlotDirectory {
public:
    // Finds or makes the directory and gives it to `owner`; for root, before the drop. A directory
    // of somebody else's is refused. Throws std::system_error.
    SlotDirectory(const std::filesystem::path& run_dir, const Identity& owner);

    // Where they are if `run_dir` is on no tmpfs.
    static std::filesystem::path in_shared_memory(const std::filesystem::path& run_dir);

    // Empty where there is no tmpfs.
    const std::filesystem::path& path() const { return path_; }

    // The slots that exist already, by name.
    std::vector<std::string> names() const;

    SlotSnapshot look(const std::string& name) const;
    std::set<std::uint64_t> identities() const;

    std::unique_ptr<SlotFile> open(const std::string& name, std::size_t body_capacity) const;

    // Ends the workers that a killed daemon left behind: they hold its slots. SIGTERM until they
    // have finished their message, SIGKILL after `patience`. Returns how many were ended. For after
    // the drop: the service user says by its locks who is signalled. Throws std::runtime_error for
    // one that cannot be ended; who has a slot and is no worker is left alone, see SlotFile.
    int evict_orphans(std::chrono::milliseconds patience) const;

private:
    std::filesystem::path path_;
};

}  // namespace myq
