#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <sstream>
#include <string>

TEST_SUITE("limits") {

using namespace myq;
using namespace myq::test;

namespace {

std::map<std::string, nlohmann::json> limits_by_name(std::vector<std::string> before = {}) {
    before.insert(before.end(), {"limits", "--json"});
    std::map<std::string, nlohmann::json> limits;
    std::istringstream lines(test::myq(before).out);
    for (std::string line; std::getline(lines, line);) {
        const auto json = nlohmann::json::parse(line);
        limits[json.at("limit")] = json;
    }
    return limits;
}

}  // namespace

TEST_CASE("limits shows every limit of System V IPC, and what is in use") {
    const auto before = limits_by_name();
    CHECK(before.size() == 10);
    const ScratchQueue queue(0600);
    const auto after = limits_by_name();
    CHECK(after.at("kernel.msgmni").at("in_use") ==
          before.at("kernel.msgmni").at("in_use").get<int>() + 1);
    CHECK(after.at("kernel.msgmax").at("allowed") ==
          std::stoull(read_file("/proc/sys/kernel/msgmax")));
    CHECK(after.at("kernel.msgmax").at("in_use").is_null());
    CHECK(after.at("kernel.msgmax").at("needed").is_null());  // nobody named a configuration
    const Outcome table = test::myq({"limits"});
    CHECK(table.status == 0);
    CHECK(table.out.starts_with("LIMIT "));
    CHECK(table.out.find("\nkernel.sem[4] ") != std::string::npos);
}

TEST_CASE("limits says what the queues of the configuration need") {
    const TestConfig config;
    const auto limits = limits_by_name();
    CHECK(limits.at("kernel.msgmni").at("needed") == 2);
    CHECK(limits.at("kernel.msgmax").at("needed") == 8192);
    CHECK(limits.at("kernel.shmmni").at("needed").is_null());
}

}  // TEST_SUITE("limits")
