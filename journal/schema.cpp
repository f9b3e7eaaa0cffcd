#include "journal/schema.hpp"

#include "journal/journal.hpp"
#include "journal/schema_check.hpp"
#include "journal/upgrade.hpp"

#include <fmt/format.h>

namespace myq {

namespace {

constexpr std::int64_t our_id = 0x6d79716a;  // "myqj"
constexpr std::int64_t oldest_version = 1;
constexpr std::int64_t our_version = 2;

// `due` is 0 for at once, so that a clock that is set back delays no such message. `owner` and
// `state` take as many bytes running as waiting: a claim is then written over the row where it
// lies, and a long body is not written again. Columns that a claim looks at come before the body.
// `next` is the number of the next row; it stands beside the counts of queue 0, which there is not,
// since a page that a transaction writes costs more than what is on it.
constexpr const char* tables = R"(
CREATE TABLE queue(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE message(
    id INTEGER PRIMARY KEY,
    queue INT NOT NULL,
    type INT NOT NULL,
    state INT NOT NULL,
    due INT NOT NULL,
    accepted INT NOT NULL,
    expires INT,
    attempts INT NOT NULL,
    owner INT NOT NULL,
    uid BLOB,
    unique_key BLOB,
    died INT,
    reason TEXT,
    body BLOB NOT NULL,
    reply BLOB,
    autopsy TEXT) STRICT;
CREATE INDEX waiting ON message(queue, due, id, type) WHERE state = 0;
CREATE INDEX running ON message(queue, type, owner) WHERE state = 1;
CREATE INDEX dead ON message(died, id, queue, type) WHERE state = 2;
CREATE UNIQUE INDEX live_key ON message(queue, unique_key)
    WHERE unique_key IS NOT NULL AND state <> 2;
CREATE TABLE attempt(
    message INT NOT NULL,
    sequence INT NOT NULL,
    number INT NOT NULL,
    at INT NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY(message, sequence)) STRICT, WITHOUT ROWID;
CREATE TABLE ticket(slot INTEGER PRIMARY KEY, sequence INT NOT NULL) STRICT;
CREATE TABLE count(
    queue INT NOT NULL,
    type INT NOT NULL,
    at_once INT NOT NULL,
    timed INT NOT NULL,
    dead INT NOT NULL,
    dropped INT NOT NULL,
    next INT,
    PRIMARY KEY(queue, type)) STRICT, WITHOUT ROWID;
INSERT INTO count VALUES(0, 0, 0, 0, 0, 0, 1);
)";

constexpr const char* type_index =
    "CREATE INDEX by_type ON message(queue, type, due) WHERE state = 0";

std::int64_t number(Database& database, std::string_view sql) {
    Statement statement(database, sql);
    auto rows = statement.rows();
    return rows.next() ? rows.integer(0) : 0;
}

[[noreturn]] void refuse(const Database& database, const std::string& reason) {
    throw JournalError(JournalError::Kind::corrupt,
                       fmt::format("{}: {}", database.file().string(), reason));
}

std::int64_t version_of(Database& database) {
    return number(database, "PRAGMA user_version");
}

bool is_empty(Database& database) {
    const std::int64_t id = number(database, "PRAGMA application_id");
    const std::int64_t version = version_of(database);
    if (id == 0 && number(database, "SELECT count(*) FROM sqlite_schema") == 0) return true;
    if (id != our_id) {
        refuse(database, "is a database, but no journal of myq's: move it away, and a new one is "
                         "made");
    }
    if (version > our_version) {
        refuse(database, fmt::format("has format {}, and this myq knows {} only: a newer myq wrote "
                                     "it, install that one again",
                                     version, our_version));
    }
    if (version < oldest_version) {
        refuse(database, fmt::format("has an unknown format {}", version));
    }
    return false;
}

// Emptying the log costs writes all over the file and two fsyncs, whatever its length; most rows
// are inserted, claimed and gone again within the log if it is long enough, and then never reach
// the database. 16 MiB is what one block of the log's index in memory covers; with more, each page
// takes longer to be found.
void tune(Database& database) {
    database.run(fmt::format("PRAGMA journal_size_limit = {};", most_pages_in_wal * page_size) +
                 // Debian's SQLite overwrites what is deleted: the file is ours alone.
                 "PRAGMA secure_delete = OFF;"
                 "PRAGMA cell_size_check = ON;"
                 "PRAGMA mmap_size = 0;"
                 "PRAGMA temp_store = MEMORY;"
                 "PRAGMA cache_size = -8192;");
}

std::string_view count_table() {
    const std::string_view all = tables;
    const std::size_t begin = all.find("CREATE TABLE count(");
    return all.substr(begin, all.find(';', begin) - begin);
}

bool uses_wal(Database& database) {
    Statement statement(database, "PRAGMA journal_mode");
    auto rows = statement.rows();
    return rows.next() && rows.text(0) == "wal";
}

void use_wal(Database& database) {
    Statement statement(database, "PRAGMA journal_mode = WAL");
    auto rows = statement.rows();
    if (!rows.next() || rows.text(0) != "wal") {
        throw JournalError(JournalError::Kind::other,
                           fmt::format("{}: its file system has no shared memory, which SQLite "
                                       "needs: put it on a local disk (journal.dir)",
                                       database.file().string()));
    }
}

}  // namespace

bool is_prepared(Database& database) {
    // While somebody makes it, one look does not go with the next: who holds the lock judges it.
    if (number(database, "PRAGMA application_id") != our_id) return false;
    if (is_empty(database) || version_of(database) != our_version) return false;
    if (!uses_wal(database)) return false;
    if (!is_schema_right(database, tables, type_index)) return false;
    tune(database);
    return true;
}

std::string prepare_schema(Database& database, bool may_upgrade) {
    const bool empty = is_empty(database);
    const bool is_older = !empty && version_of(database) != our_version;
    if (is_older && !may_upgrade) {
        refuse(database, "has the format of an older myq, until the myqd of this one has started: "
                         "restart it");
    }
    if (empty) database.run(fmt::format("PRAGMA page_size = {};", page_size));
    use_wal(database);
    tune(database);
    if (!empty) {
        if (is_older) upgrade_from_1(database, count_table());
        return mend_schema(database, tables, type_index);
    }
    database.run(fmt::format("PRAGMA synchronous = FULL; BEGIN IMMEDIATE; {}"
                             "PRAGMA application_id = {}; PRAGMA user_version = {}; COMMIT;",
                             tables, our_id, our_version));
    return {};
}

void make_type_index(Database& database) {
    database.run(type_index);
}

}  // namespace myq
