#include "tests/unit/client/client_process.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

TEST_SUITE("errno") {

using namespace myq;
using namespace myq::test;

TEST_CASE("errno explains a name or a number for each call that returns it") {
    const Outcome by_name = test::myq({"errno", "EIDRM"});
    CHECK(by_name.status == 0);
    CHECK(by_name.out.starts_with(
        "EIDRM (43): Identifier removed\n  msgsnd  the queue was removed; "));
    CHECK(by_name.out.find("\n  semop   the semaphore was removed; ") != std::string::npos);
    CHECK(test::myq({"errno", "43"}).out == by_name.out);
    CHECK(test::myq({"errno", "eidrm"}).out == by_name.out);
    // One that no call of the family returns.
    CHECK(test::myq({"errno", "EHOSTDOWN"}).out == "EHOSTDOWN (112): Host is down\n");
}

TEST_CASE("errno without a word shows all, and --json one object for each call") {
    const std::string all = test::myq({"errno"}).out;
    for (const char* name : {"EPERM (1)", "ENOENT (2)", "E2BIG (7)", "EAGAIN (11)", "EINVAL (22)",
                             "ENOSPC (28)", "ENOMSG (42)", "EIDRM (43)"})
        CHECK_MESSAGE(all.find(name) != std::string::npos, name);
    const std::string line = test::myq({"errno", "ENOMSG", "--json"}).out;
    const auto json = nlohmann::json::parse(line);
    CHECK(json.at("errno") == 42);
    CHECK(json.at("name") == "ENOMSG");
    CHECK(json.at("call") == "msgrcv");
}

TEST_CASE("errno refuses what is no error") {
    check_myq({"errno", "ENONSENSE"}, 64, "",
              "myq: 'ENONSENSE': no such error: give a name such as EIDRM, or a number; without "
              "one, all of them are shown\n");
    CHECK(test::myq({"errno", "0"}).status == 64);
    CHECK(test::myq({"errno", "99999"}).status == 64);
}

}  // TEST_SUITE("errno")
