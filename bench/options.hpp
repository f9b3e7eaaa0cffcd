#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace myq::bench {

struct Options {
    std::filesystem::path daemon = MYQ_BENCH_DAEMON;
    std::filesystem::path against;  // another myqd, in place of the bare loop
    std::filesystem::path journal_dir = MYQ_BENCH_DISK;
    std::vector<std::string> only;  // parts of the whole; empty: all
    std::int64_t rows = 200'000;
    int rounds = 0;  // 0: as many as quick or not has
    bool quick = false;
    bool json = false;

    int rounds_or(int quick_rounds, int many_rounds) const {
        if (rounds > 0) return rounds;
        return quick ? quick_rounds : many_rounds;
    }
};

}  // namespace myq::bench
