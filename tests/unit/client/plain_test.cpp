// Every way out of myq: what comes from a message, a handler or the daemon is plain text, and in
// JSON still the same text.
#include "tests/support/plain.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/control_socket.hpp"
#include "tests/unit/client/intake.hpp"
#include "tests/unit/client/journaled.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

TEST_SUITE("plain") {

using namespace myq;
using namespace myq::test;
using nlohmann::ordered_json;

namespace {

// What was shown, once it is found to be fit for that.
Outcome plain(Outcome outcome) {
    CHECK_MESSAGE(is_plain_text(outcome.out), outcome.out);
    CHECK_MESSAGE(is_plain_text(outcome.err), outcome.err);
    return outcome;
}

Outcome shown(const std::vector<std::string>& args) {
    CAPTURE(args.front());
    return plain(test::myq(args));
}

ordered_json first_line(const Outcome& outcome) {
    return ordered_json::parse(outcome.out.substr(0, outcome.out.find('\n')));
}

ordered_json as_json(std::vector<std::string> args) {
    args.emplace_back("--json");
    return first_line(shown(args));
}

std::string escaped(const char* text) {
    std::string json = ordered_json(hostile_text).dump();
    return text + json.substr(1, json.size() - 2);
}

// What the daemon answers, with the words of somebody hostile.
Outcome told(const std::string& answer, const std::vector<std::string>& args) {
    const ControlSocket daemon("/run/myq");
    ClientProcess client(args);
    daemon.answer(answer);
    Outcome outcome = client.wait();
    std::filesystem::remove("/run/myq/control");
    CHECK(outcome.status == 0);
    return plain(std::move(outcome));
}

}  // namespace

TEST_CASE("plain: a message in a kernel queue") {
    const ScratchQueue queue;
    const std::string id = std::to_string(queue.id());
    REQUIRE(queue.send(7, bytes(hostile_text)) == SendStatus::sent);
    shown({"peek", "--id", id});
    CHECK(as_json({"peek", "--id", id})["body"] == hostile_text);
    CHECK(as_json({"recv", "--id", id})["body"] == hostile_text);
    // PHP's string of it.
    REQUIRE(queue.send(7, bytes("s:" + std::to_string(hostile_text.size()) + ":\"" + hostile_text +
                                "\";")) == SendStatus::sent);
    const Outcome php = shown({"recv", "--id", id, "--php"});
    CHECK(ordered_json::parse(php.out) == hostile_text);
    // To somebody who is no terminal a body is what it is.
    REQUIRE(queue.send(7, bytes(hostile_text)) == SendStatus::sent);
    CHECK(test::myq({"recv", "--id", id}).out == hostile_text);
}

TEST_CASE("plain: a dead message, its reason and its key") {
    const Journaled journal;
    NewMessage message = dead(7, hostile_text, hostile_text);
    message.unique_key = hostile_text;
    journal.insert("jobs", message);
    for (const std::vector<std::string>& args : {std::vector<std::string>{"dead", "list"},
                                                 {"dead", "show", "1"},
                                                 {"peek", "jobs", "--state", "dead"}}) {
        shown(args);
        const ordered_json entry = as_json(args);
        CHECK(entry["body"] == hostile_text);
        CHECK(entry["reason"] == hostile_text);
        CHECK(entry["unique"] == hostile_text);
    }
    CHECK(test::myq({"dead", "show", "1", "--raw"}).out == hostile_text);
}

TEST_CASE("plain: what a handler replies, and why it did not") {
    const ScratchQueue queue;
    const Intake intake{queue};
    const std::vector<std::string> call = {"call",   "--id", std::to_string(queue.id()),
                                           "--type", "1",    "x"};
    const auto ask = [&](bool json, Reply::Status status) {
        std::vector<std::string> args = call;
        if (json) args.emplace_back("--json");
        ClientProcess caller(args);
        const Asked asked = intake.take();
        Intake::reply(asked,
                      {1, status, hostile_text, 0, hostile_text.size(), bytes(hostile_text)});
        return caller.wait();
    };
    const ordered_json done = first_line(plain(ask(true, Reply::Status::done)));
    CHECK(done["body"] == hostile_text);
    CHECK(done["text"] == hostile_text);
    // What is replied goes into a pipe as it is, the reason to people.
    CHECK(is_plain_text(ask(false, Reply::Status::rejected).err));
    plain(ask(true, Reply::Status::rejected));
}

TEST_CASE("plain: what the daemon says of its queues and plugins") {
    const std::string status =
        R"({"version":"1","pid":1,"started_ms":1,"state":"running","reload":null,"workers":[],"queues":[],)"
        R"("journal":{"path":"/j","error":")" +
        escaped("") + R"("}})";
    told(status, {"status"});
    CHECK(first_line(told(status, {"status", "--json"}))["journal"]["error"] == hostile_text);
    const std::string plugins =
        R"({"dir":"/p","watched":true,"plugins":[{"file":"a","path":"/p/a",)"
        R"("name":"a","version":")" +
        escaped("1 ") +
        R"(","state":"refused","types":[],"since_ms":null,"routes":[],"options":[],)"
        R"("size":null,"build_id":"","fit":false,)"
        R"("refused":true,"reason":")" +
        escaped("") + R"("}]})";
    told(plugins, {"plugin", "list"});
    told(plugins, {"plugin", "list", "--json"});
}

TEST_CASE("plain: what cannot be, because of a name on the command line") {
    const std::vector<std::string> rows[] = {
        {hostile_text},
        {"send", hostile_text, "x"},
        {"send", "--file", "/" + hostile_text},
        {"recv", "--type", hostile_text},
        {"peek", "--key", hostile_text},
        {"--config", "/" + hostile_text, "status"},
        {"ftok", "/" + hostile_text, "a"},
        {"sem", "run", "--key", "1", hostile_text},
        {"errno", hostile_text},
        {"shm", "get", "--key", hostile_text, "1"},
    };
    for (const auto& args : rows)
        CHECK(shown(args).status != 0);
    // Without a myqd in $PATH there is nothing that it could refuse.
    shown({"plugin", "check", "/" + hostile_text});
    shown({"plugin", "check", "/" + hostile_text, "--json"});
}

}  // TEST_SUITE("plain")
