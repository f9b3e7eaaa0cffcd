#pragma once

#include "daemon/log_pace.hpp"
#include "journal/journal.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace myq {

// Where the journal is and what it may take.
struct JournalPlace {
    std::filesystem::path directory;
    JournalLimits limits;
};

// One process's way to the journal: opened at the first use, since a connection must not cross a
// fork and most workers never need one, and anew after an error.
class JournalAccess {
public:
    // `place` must outlive the object.
    explicit JournalAccess(const JournalPlace& place) : place_(place) {}

    // Runs `work` on the journal. Throws JournalError, and then has closed the connection if it
    // cannot be used any more.
    void use(const std::function<void(Journal&)>& work);

    // The same again and again, a second apart, until it succeeds; the first failure of its kind is
    // logged, and that it goes on. False when this process was asked to stop before: nothing is
    // written then.
    bool insist(const std::function<void(Journal&)>& work);

    // From now on this process has nothing to do with the journal: the connection is closed, use()
    // throws std::logic_error, and insist() returns false at once, so that messages stay in their
    // slot for a successor.
    void close_for_good();
    bool is_closed() const { return is_closed_; }

    // Says in the log that the journal cannot be used, once, until all_is_well().
    void complain(const std::string& error);
    void complain(const JournalError& error) { complain(std::string(error.what())); }
    void all_is_well();

    // About a second, or until a signal comes.
    static void pause();

private:
    const JournalPlace& place_;
    std::optional<Journal> journal_;
    std::string complaint_;
    bool is_said_ = false;
    LogPace pace_;
    bool is_closed_ = false;
};

}  // namespace myq
