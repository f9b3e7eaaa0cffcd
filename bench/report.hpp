#pragma once

#include "bench/samples.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace myq::bench {

// Where it was measured.
struct Machine {
    std::string kernel;
    std::string processor;
    long cores = 0;
    double load = 0;             // how busy it was before, by getloadavg(3)
    std::uint64_t capacity = 0;  // msg_qbytes of every queue, 0: none was measured
};

Machine this_machine();  // but for the capacity

struct Report {
    Machine machine;
    std::vector<Contest> contests;
    std::vector<Fact> facts;
};

std::string table(const Report& report);
std::string json_lines(const Report& report);

}  // namespace myq::bench
