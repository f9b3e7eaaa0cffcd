#pragma once

#include "journal/sqlite.hpp"

#include <string>

// The tables of the journal and the first words that a connection says. They are the product's own:
// people use `myq dead` and `myq peek`.
namespace myq {

// Pages of the write-ahead log from which on a COMMIT empties it into the database.
constexpr int most_pages_in_wal = 4000;
constexpr int page_size = 4096;

// message.state. A waiting message is ready or delayed, as `due` and the clock have it. The numbers
// are part of the file's format, and stand in the SQL as they are: that is how SQLite sees that a
// partial index applies.
enum class RowState : int { waiting = 0, running = 1, dead = 2 };

// Whether the file has all that prepare_schema() makes; then the connection can be used, and no
// lock was needed. Throws as that does.
bool is_prepared(Database& database);

// Makes the tables in an empty file; in another one it mends what can be, and says what that was,
// "" for nothing. Throws JournalError(corrupt) for a file that is no journal, one of a newer myq,
// or one whose tables are not as they must be; and for one of an older myq, unless `may_upgrade`
// says that none is at work. The caller holds the write lock.
std::string prepare_schema(Database& database, bool may_upgrade);

// An index that only those pay for who take messages by type; kept from its first use on.
// Inside a transaction, where it is missing.
void make_type_index(Database& database);

}  // namespace myq
