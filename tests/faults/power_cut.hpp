#pragma once

#include "journal/journal.hpp"
#include "tests/faults/disk.hpp"
#include "tests/faults/disk_senders.hpp"
#include "tests/faults/stage.hpp"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace myq::test {

// A journaled queue, under senders that want every message confirmed, on a machine whose power is
// cut again and again: the disk keeps what was flushed to it, and nothing else is kept. Some of the
// messages are not due for a while, some end among the dead.
class PowerCuts {
public:
    PowerCuts();

    Stage stage;

    // Starts the daemon, cuts the power at some moment under load, and the machine is up again,
    // without the daemon. Returns a sentence for what was confirmed, ever, and is neither handled
    // nor in the journal, and for damage to the journal.
    std::vector<std::string> cut();
    // The same at this moment, under this load, which is over then.
    std::vector<std::string> cut(ConfirmedSenders& load);

    // The journal as somebody else opens it, `myq dead list` for example.
    std::unique_ptr<Journal> open_journal() const { return open_journal(disk_.path()); }

    std::size_t confirmed() const { return confirmed_.size(); }

private:
    void forget_what_no_disk_keeps() const;
    std::vector<std::string> look() const;
    static std::unique_ptr<Journal> open_journal(const std::filesystem::path& directory);
    std::string missing_from(const std::set<std::size_t>& journal) const;

    Disk disk_;
    std::mt19937 random_;
    std::vector<std::size_t> confirmed_;
};

}  // namespace myq::test
