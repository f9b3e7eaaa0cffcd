#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

TEST_SUITE("php") {

using namespace myq;
using namespace myq::test;

namespace {

std::vector<std::string> with_id(const std::string& verb, const ScratchQueue& queue,
                                 const std::vector<std::string>& more) {
    std::vector<std::string> args{verb, "--id", std::to_string(queue.id())};
    args.insert(args.end(), more.begin(), more.end());
    return args;
}

std::string body_of(const ScratchQueue& queue) {
    const auto message = queue.receive(10'000, Selector::any(), Wait::no);
    return message ? text(message->body) : "nothing";
}

}  // namespace

TEST_CASE("send --php sends JSON as PHP serializes it, each line by itself") {
    const ScratchQueue queue(0600);
    check_myq(with_id("send", queue, {"--type", "1", "--php", R"(["a",{"b":true}])"}), 0, "", "");
    CHECK(body_of(queue) == R"(a:2:{i:0;s:1:"a";i:1;a:1:{s:1:"b";b:1;}})");
    check_myq(with_id("send", queue, {"--type", "1", "--php", "--lines"}), 0, "", "",
              {.input = "1\n\"two\"\n"});
    CHECK(body_of(queue) == "i:1;");
    CHECK(body_of(queue) == "s:3:\"two\";");
}

TEST_CASE("send --php sends nothing that is no JSON") {
    const ScratchQueue queue(0600);
    const Outcome outcome = test::myq(with_id("send", queue, {"--type", "1", "--php", "{no"}));
    CHECK(outcome.status == 65);
    CHECK(outcome.err.starts_with("myq: --php: "));
    CHECK(body_of(queue) == "nothing");
}

TEST_CASE("recv --php writes JSON, and what PHP did not serialize as it is, with a word") {
    const ScratchQueue queue(0600);
    for (const char* body : {"a:1:{s:1:\"k\";d:0.5;}", "raw"})
        REQUIRE(queue.send(7, bytes(body), Wait::no) == SendStatus::sent);
    check_myq(with_id("recv", queue, {"--php"}), 0, "{\"k\":0.5}\n", "");
    const Outcome raw = test::myq(with_id("recv", queue, {"--php"}));
    CHECK(raw.status == 0);
    CHECK(raw.out == "raw\n");
    CHECK(raw.err.find("not what PHP's serialize() writes: byte ") != std::string::npos);
    CHECK(raw.err.ends_with(": it is written as it is\n"));

    for (const char* body : {"b:0;", "raw"})
        REQUIRE(queue.send(7, bytes(body), Wait::no) == SendStatus::sent);
    CHECK(nlohmann::json::parse(test::myq(with_id("recv", queue, {"--php", "--json"})).out)
              .at("value") == false);
    CHECK(nlohmann::json::parse(test::myq(with_id("recv", queue, {"--php", "--json"})).out)
              .at("value")
              .is_null());
}

}  // TEST_SUITE("php")
