#pragma once

#include "bench/bench_daemon.hpp"
#include "bench/load.hpp"
#include "bench/samples.hpp"

#include <chrono>
#include <string>

namespace myq::bench {

// What is measured of the daemon alone. `lane` leads to its worker.

// Between one message and the next, counted by strace(1) over `messages` of them.
Fact system_calls(const BenchDaemon& daemon, const Lane& lane, int messages);

// The worker's share of memory (PSS), after it has handled messages.
Fact memory(const BenchDaemon& daemon);

// Processor time of all its processes while nothing is sent.
Fact idle_cpu(const BenchDaemon& daemon, std::chrono::seconds watched);

// The median of what was measured in milliseconds.
Fact duration(const std::string& scenario, const Samples& milliseconds);

}  // namespace myq::bench
