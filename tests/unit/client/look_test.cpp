// peek, stat and list: what only looks.
#include "ipc/message_queue.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <string>

TEST_SUITE("look") {

using namespace myq;
using namespace myq::test;
using nlohmann::ordered_json;

namespace {

const QueueKey jobs = QueueKey::from_text("0x6d797101");

void send(const MessageQueue& queue, std::int64_t type, std::string_view body) {
    REQUIRE(queue.send(type, bytes(body), Wait::no) == SendStatus::sent);
}

std::string names(const ordered_json& json) {
    std::string text;
    for (const auto& [name, value] : json.items())
        text += name + " ";
    return text;
}

}  // namespace

TEST_CASE("peek shows messages oldest first, escaped, and leaves them") {
    const TestConfig config;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    check_myq({"peek", "jobs"}, 0, "jobs: nothing is waiting\n", "");
    check_myq({"peek", "jobs", "--json"}, 0, "", "");
    send(queue, 7, "hello");
    send(queue, 1, "\x1b[31m\xff\n");
    send(queue, 7, std::string(200, 'x'));
    check_myq({"peek", "jobs"}, 0,
              "INDEX        TYPE    SIZE  BODY\n"
              "    0           7       5  hello\n"
              "    1           1       7  \\x1b[31m\\xff\\n\n"
              "    2           7     200  " +
                  std::string(200, 'x') + "\n",
              "");
    check_myq({"peek", "jobs", "--count", "1"}, 0,
              "INDEX        TYPE    SIZE  BODY\n    0           7       5  hello\n", "");
    check_myq({"peek", "jobs/note", "--json"}, 0,
              "{\"index\":1,\"type\":1,\"size\":7,\"body_base64\":\"G1szMW3/Cg==\"}\n", "");
    check_myq({"peek", "jobs", "--type", "7", "--json", "--count", "1"}, 0,
              "{\"index\":0,\"type\":7,\"size\":5,\"body\":\"hello\"}\n", "");
    CHECK(queue.stat().messages == 3);
    for (int i = 0; i < 20; ++i)
        send(queue, 2, "");
    const std::string ten = test::myq({"peek", "jobs", "--json"}).out;
    CHECK(std::count(ten.begin(), ten.end(), '\n') == 10);
}

TEST_CASE("stat shows every field, under PHP's names in JSON") {
    const TestConfig config;
    const std::time_t before = std::time(nullptr);
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    queue.set({.uid = 950, .gid = 951, .mode = {}, .capacity = {}});
    send(queue, 1, "12345");
    const Outcome outcome = test::myq({"stat", "jobs", "--json"});
    CHECK(outcome.status == 0);
    const ordered_json json = ordered_json::parse(outcome.out);
    CHECK(names(json) == "key id cuid cgid cbytes msg_perm.uid msg_perm.gid msg_perm.mode "
                         "msg_stime msg_rtime msg_ctime msg_qnum msg_qbytes msg_lspid msg_lrpid ");
    CHECK(json["key"] == 0x6d797101);
    CHECK(json["id"] == queue.id());
    CHECK(json["cuid"] == 0);
    CHECK(json["cgid"] == 0);
    CHECK(json["cbytes"] == 5);
    CHECK(json["msg_perm.uid"] == 950);
    CHECK(json["msg_perm.gid"] == 951);
    CHECK(json["msg_perm.mode"] == 400);  // 0620, as PHP has it
    CHECK(json["msg_stime"] >= before);
    CHECK(json["msg_rtime"] == 0);
    CHECK(json["msg_ctime"] >= before);
    CHECK(json["msg_qnum"] == 1);
    CHECK(json["msg_qbytes"] == 16384);
    CHECK(json["msg_lspid"] == getpid());
    CHECK(json["msg_lrpid"] == 0);
}

TEST_CASE("stat for people has names, shares and times") {
    const TestConfig config;
    const ScratchQueue queue(MessageQueue::create(jobs, 0620));
    queue.set({.uid = 950, .gid = 951, .mode = {}, .capacity = {}});
    send(queue, 1, std::string(4096, 'x'));
    const std::string out = test::myq({"stat", "jobs"}, {.env = {"TZ=UTC0"}}).out;
    for (const std::string& line :
         {std::string("name          jobs\n"),
          std::string("key           0x6d797101 (1836675329)\n"),
          "id            " + std::to_string(queue.id()) + "\n",
          std::string("owner         myq:myq-send (uid 950, gid 951)\n"),
          std::string("creator       root:root (uid 0, gid 0)\n"),
          std::string("mode          0620\n"), std::string("messages      1\n"),
          std::string("bytes         4096 of 16384 (25 %)\n"),
          " s ago) by process " + std::to_string(getpid()) + "\n", std::string(" +0000 ("),
          std::string("last receive  never\n"), std::string("last change   2")}) {
        CAPTURE(line);
        CHECK(out.find(line) != std::string::npos);
    }
    CHECK(test::myq({"stat", "--key", "0x6d797101"}).out.find("name") == std::string::npos);
}

TEST_CASE("stat needs no permission to read") {
    const ScratchQueue queue(MessageQueue::create(jobs, 0600));
    const Outcome outcome = test::myq({"stat", "--key", "0x6d797101", "--json"}, {.nobody = true});
    CHECK(outcome.status == 0);
    CHECK(ordered_json::parse(outcome.out)["id"] == queue.id());
}

TEST_CASE("list shows every queue, and its name where the config knows one") {
    const std::string heading =
        "KEY               ID  OWNER         GROUP         MODE  MESSAGES   "
        "      BYTES/CAPACITY  NAME\n";
    check_myq({"list"}, 0, heading, "");
    check_myq({"list", "--json"}, 0, "", "");

    const TestConfig config;
    const ScratchQueue known(MessageQueue::create(jobs, 0620));
    known.set({.uid = 950, .gid = 951, .mode = {}, .capacity = {}});
    send(known, 1, "123");
    const ScratchQueue other(MessageQueue::create(QueueKey::from_text("-2"), 0600));
    other.set({.uid = 4000, .gid = {}, .mode = {}, .capacity = {}});
    check_myq({"list"}, 0,
              heading + "0x6d797101         0  myq           myq-send      0620         1          "
                        "      3/16384"
                        "  jobs\n"
                        "0xfffffffe         1  4000          root          0600         0          "
                        "      0/16384"
                        "\n",
              "", {.nobody = true});
    const std::string lines = test::myq({"list", "--json"}).out;
    const ordered_json first = ordered_json::parse(lines.substr(0, lines.find('\n')));
    const ordered_json second = ordered_json::parse(lines.substr(lines.find('\n') + 1));
    CHECK(first["name"] == "jobs");
    CHECK(first["msg_qnum"] == 1);
    CHECK(second["name"].is_null());
    CHECK(second["key"] == -2);
}

TEST_CASE("list misses no config, unless one was named") {
    std::filesystem::remove_all("/etc/myq");
    CHECK(test::myq({"list"}).status == 0);
    check_myq({"list", "-c", "/nowhere"}, 78, "",
              "myq: /nowhere: cannot be opened: No such file or directory\n");
}

}  // TEST_SUITE("look")
