#pragma once

#include "journal/sqlite.hpp"

#include <string_view>

namespace myq {

// Brings a file of format 1, which kept no counts, to format 2. Whoever works on it with an older
// myq meanwhile would go on without counts: none may. The caller holds the write lock.
void upgrade_from_1(Database& database, std::string_view count_table);

}  // namespace myq
