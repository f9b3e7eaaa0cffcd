#pragma once

#include "daemon/slot.hpp"
#include "daemon/unix/privileges.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace myq {

// Where the slots of one daemon are: RUN_DIR/slots if that is on a tmpfs, else a private directory
// in /dev/shm, else nowhere, and every slot is a memfd that ends with the daemon.
class SlotDirectory {
public:
    // Finds or makes the directory and gives it to `owner`; for root, before the drop. A directory
    // of somebody else's is refused. Throws std::system_error.
    SlotDirectory(const std::filesystem::path& run_dir, const Identity& owner);

    // Empty where there is no tmpfs.
    const std::filesystem::path& path() const { return path_; }

    // The slots that exist already, by name.
    std::vector<std::string> names() const;

    std::unique_ptr<SlotFile> open(const std::string& name, std::size_t body_capacity) const;
    void remove(const std::string& name) const;

    // Ends the workers that a killed daemon left behind: they hold its slots. SIGTERM until they
    // have finished their message, SIGKILL after `patience`. Returns how many there were.
    int evict_orphans(std::chrono::milliseconds patience) const;

private:
    std::filesystem::path path_;
};

}  // namespace myq
