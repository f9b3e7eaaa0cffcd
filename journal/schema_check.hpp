#pragma once

#include "journal/sqlite.hpp"

#include <string>
#include <string_view>

namespace myq {

// Compares the tables and indexes of the journal with `statements`, the statements that make them,
// and `optional_index`, which need not be there. Every handler of the service user can write the
// file, and with one index less no message could be claimed any more.
//
// Whether all is as it must be; needs no lock.
bool is_schema_right(Database& database, std::string_view statements,
                     std::string_view optional_index);

// Indexes are mended, and so is the number of the next row: what that was is returned, a sentence,
// "" for nothing. Throws JournalError(corrupt) for a table that is not as it must be. The caller
// holds the write lock.
std::string mend_schema(Database& database, std::string_view statements,
                        std::string_view optional_index);

}  // namespace myq
