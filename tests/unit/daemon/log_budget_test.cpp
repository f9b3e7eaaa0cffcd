#include "daemon/log_budget.hpp"
#include "daemon/plugin.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/test_log.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

TEST_SUITE("log_budget") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::int64_t second = 1'000'000'000;

// How many lines of `size` bytes get through at this time, until none does.
std::size_t allowed(LogBudget& budget, std::size_t size, std::int64_t now_ns) {
    std::size_t count = 0;
    while (count < 1'000'000 && budget.allows(size, now_ns))
        ++count;
    return count;
}

}  // namespace

TEST_CASE("a budget is so much at once, and so much a second from then on") {
    LogBudget budget;
    const std::int64_t start = 5'000 * second;
    CHECK(allowed(budget, 1024, start) == LogBudget::at_once / 1024);
    CHECK(budget.left_out().lines == 1);
    CHECK(budget.left_out().bytes == 1024);
    CHECK_FALSE(budget.allows(1, start + second / 2));
    CHECK(budget.left_out().lines == 2);
    CHECK(budget.allows(1024, start + second));
    budget.forget_left_out();
    CHECK(allowed(budget, 1024, start + second) == LogBudget::a_second / 1024 - 1);
    // Quiet times are saved up, but not for ever.
    budget.forget_left_out();
    CHECK(allowed(budget, 1024, start + 10'000 * second) == LogBudget::at_once / 1024);
}

TEST_CASE("what earns less than a byte is not lost, however often it is asked") {
    LogBudget budget;
    allowed(budget, 1024, 0);
    for (std::int64_t now = 0; now < second; now += 10'000)
        CHECK_FALSE(budget.allows(2 * LogBudget::a_second, now));
    CHECK(budget.allows(1024, second + 20'000));
}

TEST_CASE(
    "a handler that is made to write without end fills no disk, and what is missing is said") {
    CHECK(in_child([&] {
              const KeptLog log;
              log_as("log");
              const std::string line(200, 'x');
              for (int i = 0; i < 50'000; ++i)
                  plugin_host().log(1, line.data(), line.size());
              say_what_was_left_out();
              const std::string all = log.text();
              // A slow machine may earn some seconds more.
              if (all.size() > 3'000'000) return 1;
              if (log.count("warning: log: writes more than 32 KiB a second into the log; what "
                            "is more is left out\n") == 0)
                  return 2;
              if (log.count(" lines of handlers, ") == 0) return 3;
              return log.count(line) > 4'000 ? 0 : 4;
          }) == 0);
}

TEST_CASE("a line that is longer than any reader takes is cut, and says by how much") {
    CHECK(in_child([&] {
              const KeptLog log;
              log_as("log");
              const std::string line(1'000'000, 'x');
              plugin_host().log(1, line.data(), line.size());
              return log.text() ==
                             "info: log: " + std::string(131'072, 'x') + "... (868928 bytes more)\n"
                         ? 0
                         : 1;
          }) == 0);
}

}  // TEST_SUITE("log_budget")
