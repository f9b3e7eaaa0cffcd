#pragma once

#include <cstdint>
#include <filesystem>

namespace myq::bench {

// Makes a journal in `directory` as the daemon's user, with messages of the queue `bench`:
// `delayed` ones that are due from tomorrow on, one each millisecond, and dead ones with a reason
// and one attempt on record. Throws std::runtime_error.
void fill_journal(const std::filesystem::path& directory, std::int64_t delayed, std::int64_t dead);

}  // namespace myq::bench
