#include "bench/cpu_time.hpp"

#include <time.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace myq::bench {

double cpu_seconds(pid_t pid) {
    clockid_t clock{};
    timespec used{};
    if (const int error = ::clock_getcpuclockid(pid, &clock)) {
        throw std::system_error(error, std::generic_category(),
                                "processor time of process " + std::to_string(pid));
    }
    if (::clock_gettime(clock, &used) != 0) {
        throw std::system_error(errno, std::generic_category(),
                                "processor time of process " + std::to_string(pid));
    }
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

}  // namespace myq::bench
