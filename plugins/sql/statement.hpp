#pragma once

#include <string_view>

// The highest N of the $N in an SQL statement, 0 for none, read as PostgreSQL reads it: what is
// quoted or a comment does not count.
int highest_parameter(std::string_view statement);
