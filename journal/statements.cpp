#include "journal/statements.hpp"

#include "journal/journal.hpp"

#include <fmt/format.h>

namespace myq {

namespace {

std::string due_rows(std::string_view index, std::string_view type, std::string_view since,
                     std::string_view range, std::string_view order) {
    // The length of a body is known without reading it.
    return fmt::format("SELECT id, type, attempts, uid, expires, {}, length(body),"
                       " CASE WHEN length(body) <= {} THEN body END, reply FROM message {}"
                       " WHERE state = 0 AND queue = ?1 AND {} AND type {} ?4 ORDER BY {} LIMIT ?2",
                       since, longest_claimed_body, index, range, type, order);
}

}  // namespace

DueStatements::DueStatements(Database& database, std::string_view index, std::string_view type)
    : at_once(database, due_rows(index, type, "accepted", "due = 0", "id")),
      timed(database, due_rows(index, type, "due", "due > 0 AND due <= ?3", "due, id")),
      next(database, fmt::format("SELECT due FROM message {} WHERE state = 0 AND queue = ?1"
                                 " AND type {} ?2 ORDER BY due LIMIT 1",
                                 index, type)) {}

Statements::Statements(Database& database)
    : begin(database, "BEGIN IMMEDIATE"),
      commit(database, "COMMIT"),
      page_count(database, "PRAGMA page_count"),
      unused_pages(database, "PRAGMA freelist_count"),
      queue_find(database, "SELECT id FROM queue WHERE name = ?1"),
      queue_add(database, "INSERT INTO queue(name) VALUES(?1)"),
      queue_name(database, "SELECT name FROM queue WHERE id = ?1"),
      waiting_bytes(database, "SELECT count(*), sum(size) FILTER (WHERE ?3 IS NULL OR failed = ?3)"
                              " FROM (SELECT length(body) + ?5 AS size, attempts > 0 AS failed"
                              " FROM message INDEXED BY waiting WHERE state = 0 AND queue = ?1"
                              " AND due >= ?2 LIMIT ?4)"),
      dead_bytes(database, "SELECT count(*), sum(size) FROM (SELECT length(body) + ?3 AS size"
                           " FROM message INDEXED BY dead WHERE state = 2 AND queue = ?1"
                           " LIMIT ?2)"),
      ticket(database, "INSERT INTO ticket VALUES(?1, ?2) ON CONFLICT(slot) DO UPDATE"
                       " SET sequence = excluded.sequence WHERE excluded.sequence > sequence"),
      ticket_find(database, "SELECT sequence FROM ticket WHERE slot = ?1"),
      tickets(database, "SELECT slot FROM ticket"),
      ticket_forget(database, "DELETE FROM ticket WHERE slot = ?1"),
      next_row(database, "SELECT next FROM count WHERE queue = 0 AND type = 0"),
      next_row_keep(database, "UPDATE count SET next = ?1 WHERE queue = 0 AND type = 0"),
      insert(database, "INSERT INTO message(id, queue, type, state, due, accepted, expires,"
                       " attempts, owner, uid, unique_key, died, reason, body, reply,"
                       " autopsy) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
                       " ?13, ?14, ?15, ?16)"
                       " ON CONFLICT(queue, unique_key) WHERE unique_key IS NOT NULL"
                       " AND state <> 2 DO NOTHING"),
      history_add(database, "INSERT INTO attempt SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3,"
                            " ?4 FROM attempt WHERE message = ?1"),
      history_find(database, "SELECT number, at, cause FROM attempt WHERE message = ?1"
                             " ORDER BY sequence"),
      history_forget(database, "DELETE FROM attempt WHERE message BETWEEN ?1 AND ?2 AND NOT EXISTS"
                               " (SELECT 1 FROM message WHERE id = attempt.message)"),
      except(database, "INDEXED BY waiting", "IS NOT"),
      only(database, "", "="),
      up_to(database, "INDEXED BY waiting", "<="),
      next_type(database, "SELECT type FROM message WHERE state = 0 AND queue = ?1 AND type > ?2"
                          " AND type <= ?3 ORDER BY type LIMIT 1"),
      type_index_there(database, "SELECT 1 FROM sqlite_schema WHERE name = 'by_type'"),
      body(database, "SELECT body FROM message WHERE id = ?1"),
      take(database, "UPDATE message SET state = 1, owner = ?3 WHERE id BETWEEN ?1 AND ?2"
                     " AND state = 0"),
      running(database, "SELECT queue, type, due FROM message WHERE id BETWEEN ?1 AND ?2"
                        " AND state = 1"),
      finish(database, "DELETE FROM message WHERE id BETWEEN ?1 AND ?2 AND state = 1"),
      release(database, "UPDATE message SET state = 0 WHERE id = ?1 AND state = 1"),
      defer(database, "UPDATE message SET state = 0, attempts = ?2, due = ?3,"
                      " autopsy = coalesce(?4, autopsy) WHERE id = ?1 AND state = 1"),
      bury(database, "UPDATE message SET state = 2, attempts = ?2, died = ?3, reason = ?4,"
                     " autopsy = coalesce(?5, autopsy) WHERE id = ?1 AND state = 1"),
      claims(database, "SELECT id, owner FROM message INDEXED BY running WHERE state = 1"),
      claims_of(database, "SELECT id FROM message INDEXED BY running WHERE state = 1"
                          " AND owner = ?1 ORDER BY id"),
      revive(database, "UPDATE OR IGNORE message SET state = 0, due = 0, attempts = 0, died = NULL,"
                       " reason = NULL WHERE id = ?1 AND state = 2"),
      drop(database, "DELETE FROM message WHERE id = ?1 AND state <> 1"),
      count_keep(database, "INSERT INTO count VALUES(?1, ?2, ?3, ?4, ?5, ?6, NULL)"
                           " ON CONFLICT(queue, type) DO UPDATE SET at_once = at_once + ?3,"
                           " timed = timed + ?4, dead = dead + ?5, dropped = dropped + ?6"),
      count_forget(database, "DELETE FROM count WHERE queue = ?1 AND type = ?2 AND at_once = 0"
                             " AND timed = 0 AND dead = 0 AND dropped = 0") {}

}  // namespace myq
