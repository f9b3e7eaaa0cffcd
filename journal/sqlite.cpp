#include "journal/sqlite.hpp"

#include "journal/journal.hpp"

#include <fmt/format.h>

#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace myq {

namespace {

using Kind = JournalError::Kind;

// Writers queue up for our own lock, so whoever keeps SQLite's lock this long is not myq.
constexpr int busy_timeout_ms = 10'000;

struct Failure {
    Kind kind;
    std::string sentence;  // without the name of the file
};

std::string strerror_of(int error) {
    return std::generic_category().message(error);
}

Failure io_failure(int code, const std::string& message, int error) {
    if (code == SQLITE_IOERR_NOMEM) return {Kind::other, "not enough memory"};
    if (error == ENOSPC) return {Kind::full, "the disk is full: free space on it"};
    if (error == EDQUOT) return {Kind::full, "the disk quota is used up: raise it"};
    return {Kind::io,
            fmt::format("cannot be read or written ({}{}{}): look for the disk's errors "
                        "with dmesg(1), then restart myqd",
                        message, error == 0 ? "" : ": ", error == 0 ? "" : strerror_of(error))};
}

Failure open_failure(int code, int error) {
    if (code == SQLITE_CANTOPEN_SYMLINK) {
        return {Kind::denied, "is a symbolic link: put the file itself there"};
    }
    const std::string why = fmt::format("cannot be opened: {}", strerror_of(error));
    if (error == ENOENT) return {Kind::missing, why};
    return {error == EACCES || error == EPERM || error == EROFS ? Kind::denied : Kind::other, why};
}

Failure explain(int code, const std::string& message, int error) {
    switch (code & 0xff) {
    case SQLITE_FULL:
        return {Kind::full, "the disk is full: free space on it"};
    case SQLITE_IOERR:
        return io_failure(code, message, error);
    case SQLITE_CANTOPEN:
        return open_failure(code, error);
    case SQLITE_CORRUPT:
        return {Kind::corrupt, fmt::format("is damaged ({}): stop myqd, move the file away, and "
                                           "save what is whole of it with sqlite3's .recover",
                                           message)};
    case SQLITE_NOTADB:
        return {Kind::corrupt, "is no SQLite database: move it away, and a new one is made"};
    case SQLITE_READONLY:
        if (code == SQLITE_READONLY_DBMOVED) {
            return {Kind::io, "was moved or removed while in use: restart myqd"};
        }
        [[fallthrough]];
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return {Kind::denied,
                fmt::format("may not be written ({}): its owner needs mode 0600, and its "
                            "file system must not be read-only",
                            message)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return {Kind::other, fmt::format("another program kept it locked for {} s: leave it to myq "
                                         "while myqd runs",
                                         busy_timeout_ms / 1000)};
    default:
        return {Kind::other, message};
    }
}

// Before SQLite is used first. Every process of ours has one thread, and nobody asks for
// statistics: a tenth of the time of a message would go there.
void configure_once() {
    static const bool done = [] {
        sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        return true;
    }();
    static_cast<void>(done);
}

// What a file must not be able to do to us: SQL that it brings along, and tricks with the schema.
void distrust(sqlite3* handle) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
}

// SQLite keeps what locks it has in tables of the process, and fork() copies the tables but not the
// locks: what the child opened then would write without them.
class OpenConnections {
public:
    void add() {
        if (count_ > 0 && process_ != ::getpid()) {
            throw std::logic_error("Database: one was open when this process was forked");
        }
        process_ = ::getpid();
        ++count_;
    }
    void remove() { --count_; }

private:
    pid_t process_ = 0;
    int count_ = 0;
};
OpenConnections open_connections;

}  // namespace

Database::Database(std::filesystem::path file) : file_(std::move(file)) {
    configure_once();
    open_connections.add();
    try {
        open();
    } catch (...) {
        sqlite3_close(handle_);
        open_connections.remove();
        throw;
    }
}

void Database::open() {
    // One thread, so no mutex; who needs another connection opens one.
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
                      SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    const int code = sqlite3_open_v2(file_.c_str(), &handle_, flags, nullptr);
    if (code != SQLITE_OK) fail(code);
    // It opens for reading what cannot be opened for writing, and says nothing.
    if (sqlite3_db_readonly(handle_, "main") != 0) fail(SQLITE_READONLY);
    distrust(handle_);
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    const auto note_pages = [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(handle_, note_pages, &pages_in_wal_);
}

Database::~Database() {
    sqlite3_close(handle_);
    open_connections.remove();
}

void Database::run(const std::string& sql) {
    require_usable();
    errno = 0;
    const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(handle_) == 0;
}

void Database::rollback() noexcept {
    // After some errors SQLite has done it already.
    if (!in_transaction()) return;
    const int code = sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    // Nobody else could write while we sit in a transaction that cannot be ended.
    if (code != SQLITE_OK && broken_.empty()) broken_ = file_.string() + ": cannot roll back";
}

bool Database::checkpoint(bool truncate) {
    require_usable();
    const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    sqlite3_busy_timeout(handle_, 0);
    errno = 0;
    const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, mode, nullptr, nullptr);
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    if ((code & 0xff) == SQLITE_BUSY) return false;
    if (code != SQLITE_OK) fail(code);
    return true;
}

void Database::require_usable() const {
    if (is_broken()) throw JournalError(Kind::io, broken_);
}

void Database::fail(int code) {
    const int left_behind = errno;
    // SQLite notes it for some calls only; after the others it is where the system left it.
    int error = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
    if (error == 0) error = left_behind;
    const bool is_last = handle_ != nullptr && sqlite3_extended_errcode(handle_) == code;
    const Failure failure =
        explain(code, is_last ? sqlite3_errmsg(handle_) : sqlite3_errstr(code), error);
    const std::string sentence = fmt::format("{}: {}", file_.string(), failure.sentence);
    if (failure.kind == Kind::io) broken_ = sentence;
    throw JournalError(failure.kind, sentence);
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
    database_.require_usable();
    check(sqlite3_prepare_v3(database_.handle_, sql.data(), static_cast<int>(sql.size()),
                             SQLITE_PREPARE_PERSISTENT, &handle_, nullptr));
}

Statement::~Statement() {
    sqlite3_finalize(handle_);
}

void Statement::check(int code) {
    if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind(int index, std::nullptr_t) {
    check(sqlite3_bind_null(handle_, index));
}

void Statement::bind(int index, std::int64_t value) {
    check(sqlite3_bind_int64(handle_, index, value));
}

// A null pointer would bind NULL: nothing is something too.
void Statement::bind(int index, std::string_view text) {
    const char* bytes = text.empty() ? "" : text.data();
    check(sqlite3_bind_text64(handle_, index, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind(int index, std::span<const std::byte> blob) {
    const void* bytes = blob.empty() ? "" : static_cast<const void*>(blob.data());
    check(sqlite3_bind_blob64(handle_, index, bytes, blob.size(), SQLITE_STATIC));
}

std::int64_t Statement::finish(Rows&& rows) {
    while (rows.next()) {
    }
    return sqlite3_changes64(database_.handle_);
}

std::string_view Statement::sql() const {
    return sqlite3_sql(handle_);
}

Statement::Rows::~Rows() {
    sqlite3_reset(statement_.handle_);
}

bool Statement::Rows::next() {
    statement_.database_.require_usable();
    errno = 0;
    const int code = sqlite3_step(statement_.handle_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) statement_.database_.fail(code);
    return false;
}

std::int64_t Statement::Rows::integer(int column) const {
    return sqlite3_column_int64(statement_.handle_, column);
}

std::optional<std::int64_t> Statement::Rows::maybe_integer(int column) const {
    if (sqlite3_column_type(statement_.handle_, column) == SQLITE_NULL) return std::nullopt;
    return integer(column);
}

std::string_view Statement::Rows::text(int column) const {
    const unsigned char* bytes = sqlite3_column_text(statement_.handle_, column);
    if (bytes == nullptr) return {};
    const int size = sqlite3_column_bytes(statement_.handle_, column);
    return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};  // NOLINT: bytes
}

std::span<const std::byte> Statement::Rows::blob(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.handle_, column);
    if (bytes == nullptr) return {};
    const int size = sqlite3_column_bytes(statement_.handle_, column);
    return {static_cast<const std::byte*>(bytes), static_cast<std::size_t>(size)};
}

}  // namespace myq
