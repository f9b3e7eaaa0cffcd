#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <sys/msg.h>
#include <unistd.h>

#include <cstring>
#include <string>

TEST_SUITE("reply") {

namespace {

// A queue under a key that is this process's own.
struct ScratchQueue {
    key_t key = 0x7e57'0000 ^ getpid();
    int id = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    ScratchQueue() = default;
    ~ScratchQueue() { msgctl(id, IPC_RMID, nullptr); }
    ScratchQueue(const ScratchQueue&) = delete;
    ScratchQueue& operator=(const ScratchQueue&) = delete;
};

}  // namespace

TEST_CASE("reply: the body comes back with the next type") {
    const ScratchQueue queue;
    REQUIRE(queue.id != -1);
    StartedPlugin reply("reply", {{"key", {std::to_string(queue.key)}}});
    CHECK(reply.handle("ping", {.type = 7}) == Answer{MYQ_DONE, ""});
    struct {
        long type;
        char body[16];
    } got{};
    REQUIRE(msgrcv(queue.id, &got, sizeof got.body, 0, IPC_NOWAIT) == 4);
    CHECK(got.type == 8);
    CHECK(std::memcmp(got.body, "ping", 4) == 0);
}

TEST_CASE("reply: it does not start without its queue") {
    CHECK_THROWS_WITH(StartedPlugin("reply", {{"key", {"0x7e570000"}}}),
                      "msgget: No such file or directory");
}

}  // TEST_SUITE("reply")
