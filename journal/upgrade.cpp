#include "journal/upgrade.hpp"

#include "journal/counts.hpp"
#include "journal/schema.hpp"
#include "journal/statements.hpp"

#include <string>

namespace myq {

namespace {

// Format 1 was made without them at first.
void add_later_columns(Database& database) {
    Statement look(database, "SELECT 1 FROM pragma_table_info('message') WHERE name = 'reply'");
    if (look.rows().next()) return;
    database.run("ALTER TABLE message ADD COLUMN reply BLOB;"
                 " ALTER TABLE message ADD COLUMN autopsy TEXT;");
}

void count_all(Database& database) {
    CountChanges all;
    for (const char* sql :
         {"SELECT queue, type, due FROM message INDEXED BY waiting WHERE state = 0",
          "SELECT queue, type, due FROM message INDEXED BY running WHERE state = 1"}) {
        Statement statement(database, sql);
        for (auto rows = statement.rows(); rows.next();)
            all.add(rows.integer(0), rows.integer(1), living(rows.integer(2)), 1);
    }
    Statement dead(database, "SELECT queue, type FROM message INDEXED BY dead WHERE state = 2");
    for (auto rows = dead.rows(); rows.next();)
        all.add(rows.integer(0), rows.integer(1), CountKind::dead, 1);
    Statement dropped(database, "SELECT queue, type, dropped FROM tally");
    for (auto rows = dropped.rows(); rows.next();)
        all.add(rows.integer(0), rows.integer(1), CountKind::dropped, rows.integer(2));
    Statements sql(database);
    all.write(sql.count_keep, sql.count_forget);
}

}  // namespace

void upgrade_from_1(Database& database, std::string_view count_table) {
    database.run("PRAGMA synchronous = FULL; BEGIN IMMEDIATE");
    add_later_columns(database);
    database.run(std::string(count_table) +
                 "; INSERT INTO count SELECT 0, 0, 0, 0, 0, 0, max(id) FROM next");
    count_all(database);
    database.run("DROP TABLE tally; DROP TABLE next; PRAGMA user_version = 2; COMMIT");
}

}  // namespace myq
