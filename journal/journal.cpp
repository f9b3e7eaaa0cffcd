#include "journal/journal.hpp"

#include "journal/journal_impl.hpp"
#include "journal/schema.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <cassert>
#include <chrono>
#include <system_error>

namespace myq {

namespace {

using Kind = JournalError::Kind;

std::int64_t clock_ms() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

// SQLite refuses a symbolic link anywhere in a path; an administrator may have put the directory
// elsewhere all the same.
std::filesystem::path file_in(const std::filesystem::path& directory, bool create) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(directory, error);
    if (error) {
        const bool denied = error == std::errc::permission_denied;
        throw JournalError(denied ? Kind::denied : Kind::missing,
                           fmt::format("{}: {}", directory.string(), error.message()));
    }
    std::filesystem::path file = real / "journal.db";
    if (!exists_as_ours(file) && !create) {
        throw JournalError(
            Kind::missing,
            fmt::format("{}: there is no such file: myqd makes it when it starts", file.string()));
    }
    return file;
}

std::unique_ptr<Database> open_database(const std::filesystem::path& file, const WriteLock& lock,
                                        std::string& mended, bool may_upgrade) {
    std::unique_ptr<Database> database;
    if (exists_as_ours(file)) {
        database = std::make_unique<Database>(file);
        // Who only reads waits for no writer.
        if (is_prepared(*database)) return database;
    }
    // Of several processes that open a new journal at once, one makes it and the others find it.
    const WriteLock::Held held(lock);
    if (!database) {
        make_durably(file);
        database = std::make_unique<Database>(file);
    }
    mended = prepare_schema(*database, may_upgrade);
    return database;
}

}  // namespace

Journal::Impl::Impl(const std::filesystem::path& directory, const JournalLimits& most, bool create)
    : file(file_in(directory, create)),
      limits(most),
      lock(file.parent_path() / "journal.lock"),
      database(open_database(file, lock, mended, create)),
      sql(*database),
      process(::getpid()) {}

void Journal::Impl::set_survives(Survives wanted) {
    if (survives == wanted) return;
    survives.reset();
    database->run(wanted == Survives::power_cut ? "PRAGMA synchronous = FULL"
                                                : "PRAGMA synchronous = NORMAL");
    survives = wanted;
}

void Journal::Impl::empty_log_if_due() const noexcept {
    // Under the lock, though SQLite would let others write meanwhile: they would lengthen the log
    // again, and it begins anew only when it was emptied to its end.
    if (database->pages_in_wal() < most_pages_in_wal) return;
    try {
        database->checkpoint(false);
    } catch (const JournalError&) {
        // What was committed stays committed, in the log. A full disk is said by whoever writes
        // next, and so is an I/O error: the connection does nothing any more.
    }
}

void Journal::Impl::require_transaction(const char* function) const {
    // An error inside may have ended it; what came then would be on disk one by one, unlocked.
    if (inside && database->in_transaction()) return;
    throw std::logic_error(fmt::format("Journal::{}: outside transact()", function));
}

Journal::Impl::Transaction::Transaction(Impl& journal) : journal_(journal) {
    journal_.sql.begin.run();
    journal_.inside = true;
    journal_.now_ms = clock_ms();
    journal_.next_row.reset();
    journal_.room.reset();
    journal_.counts.forget();
}

Journal::Impl::Transaction::~Transaction() {
    journal_.inside = false;
    journal_.database->rollback();
}

void Journal::Impl::Transaction::commit() {
    if (journal_.next_row) journal_.sql.next_row_keep.run(*journal_.next_row);
    journal_.counts.write(journal_.sql.count_keep, journal_.sql.count_forget);
    journal_.sql.commit.run();
}

Journal::Journal(const std::filesystem::path& directory, const JournalLimits& limits, bool create)
    : impl_(std::make_unique<Impl>(directory, limits, create)) {}

Journal::~Journal() = default;

const std::string& Journal::mended() const {
    return impl_->mended;
}

void Journal::transact(Survives survives, const std::function<void()>& work) {
    Impl& journal = *impl_;
    assert(journal.process == ::getpid());
    if (journal.inside) throw std::logic_error("Journal::transact: inside itself");
    journal.set_survives(survives);
    const WriteLock::Held held(journal.lock);
    journal.shorten_log();
    {
        Impl::Transaction transaction(journal);
        work();
        journal.require_transaction("transact");
        transaction.commit();
    }
    journal.empty_log_if_due();
}

std::string Journal::check() {
    try {
        Statement statement(*impl_->database, "PRAGMA quick_check(20)");
        auto rows = statement.rows();
        std::string found;
        while (rows.next()) {
            if (rows.text(0) == "ok") return {};
            if (!found.empty()) found += "; ";
            found += rows.text(0);
        }
        return found;
    } catch (const JournalError& error) {
        if (error.kind() != Kind::corrupt) throw;
        return error.what();
    }
}

}  // namespace myq
