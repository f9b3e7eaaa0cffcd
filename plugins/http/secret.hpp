#pragma once

#include <string>

// The password or token that a file holds: its one line. Read for each request, so that a new one
// counts at once and none is ever in the configuration, in an environment or on a command line.
// Throws std::runtime_error with a sentence that names the file and never what is in it.
std::string read_secret(const std::string& file);
