#pragma once

#include "journal/sqlite.hpp"

// The SQL that every transaction of the daemon runs, prepared when the journal is opened. States
// stand in it as numbers (RowState in schema.hpp).
namespace myq {

// How rows that are due leave in order: the ones without a due time by row, and those whose time
// has come. Parameters: queue, limit, now, type. Columns: id, type, attempts, uid, expires, since,
// length, body, reply; the body is NULL if it is longer than longest_claimed_body.
struct DueStatements {
    DueStatements(Database& database, std::string_view index, std::string_view type);

    Statement at_once, timed;
    Statement next;  // the earliest due time; parameters: queue, type
};

struct Statements {
    explicit Statements(Database& database);

    Statement begin, commit;
    Statement page_count, unused_pages;

    Statement queue_find;  // name
    Statement queue_add;   // name
    Statement queue_name;  // number
    // Of a queue: how many there are, and the bytes of those that are meant. Parameters: queue,
    Statement waiting_bytes;  // least due time, whether an attempt failed (NULL: all), most, more
    Statement dead_bytes;     // most, more for each
    Statement ticket;         // slot, sequence; changes nothing if it is on record
    Statement ticket_find;    // slot
    Statement tickets, ticket_forget;

    Statement next_row, next_row_keep;
    Statement insert;
    Statement history_add;     // message, number, at, cause
    Statement history_find;    // message
    Statement history_forget;  // first and last message; of those that are gone

    DueStatements except;        // all types but one; NULL: all
    DueStatements only;          // one type
    DueStatements up_to;         // types that are at most this; only `next` is good
    Statement next_type;         // queue, above, at most
    Statement type_index_there;  // a row if types have their index
    Statement body;              // row
    Statement take;              // first and last row, owner

    Statement running;  // first and last row; columns: queue, type, due
    Statement finish;   // first and last row, of which the running go

    // Of a row that is running; parameters: row, ...
    Statement release;
    Statement defer;      // attempts, due, autopsy
    Statement bury;       // attempts, now, reason, autopsy
    Statement claims;     // all
    Statement claims_of;  // owner

    Statement revive;  // row; changes nothing if its unique key is live
    Statement drop;    // row; changes nothing if it is running

    Statement count_keep;    // queue, type, change of each CountKind
    Statement count_forget;  // queue, type; changes nothing if there are any
};

}  // namespace myq
