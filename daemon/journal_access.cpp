#include "daemon/journal_access.hpp"

#include "daemon/unix/clock.hpp"
#include "daemon/unix/signals.hpp"

#include <spdlog/spdlog.h>

#include <time.h>

#include <stdexcept>
#include <utility>

namespace myq {

void JournalAccess::use(const std::function<void(Journal&)>& work) {
    if (is_closed_) throw std::logic_error("JournalAccess::use: it is closed for good");
    try {
        if (!journal_) {
            journal_.emplace(place_.directory, place_.limits, true);
            if (!journal_->mended().empty()) spdlog::warn("journal: {}", journal_->mended());
        }
        work(*journal_);
    } catch (const JournalError& e) {
        if (e.kind() != JournalError::Kind::full) journal_.reset();
        throw;
    }
}

bool JournalAccess::insist(const std::function<void(Journal&)>& work) {
    if (is_closed_) return false;
    for (;;) {
        try {
            use(work);
            all_is_well();
            return true;
        } catch (const JournalError& e) {
            complain(e);
        }
        if (stop_requested()) return false;
        pause();
    }
}

void JournalAccess::close_for_good() {
    journal_.reset();
    is_closed_ = true;
}

void JournalAccess::complain(const std::string& error) {
    if (complaint_ == error) return;
    complaint_ = error;
    // What one sender asks for may fit and what another does not, in turn.
    if (!pace_.allows(monotonic_ns())) return;
    is_said_ = true;
    spdlog::error("journal: {}; messages are kept where they are until it works again{}",
                  complaint_, pace_.held_back_text());
}

void JournalAccess::all_is_well() {
    if (complaint_.empty()) return;
    complaint_.clear();
    if (std::exchange(is_said_, false)) spdlog::info("journal: works again");
}

void JournalAccess::pause() {
    const timespec second{1, 0};
    ::nanosleep(&second, nullptr);
}

}  // namespace myq
