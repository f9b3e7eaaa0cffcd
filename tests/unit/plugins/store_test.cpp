#include "ipc/shared_variables.hpp"
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <string>

TEST_SUITE("store") {

using namespace myq;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797120");
const Answer done{MYQ_DONE, ""};

OptionMap with(OptionMap more) {
    more.insert(more.begin(), {"key", {key.text()}});
    return more;
}

// The segment and its semaphore are gone at the end of each test, which has a machine of its own.
std::string variable(std::int64_t number) {
    const auto value = SharedVariables::open(key, Access::read_only).value(number);
    if (!value) return "none";
    return {reinterpret_cast<const char*>(value->data()), value->size()};
}

Letter of_type(std::int64_t type) {
    Letter letter;
    letter.type = type;
    return letter;
}

template <typename Body>
void as_nobody(const Body& body) {
    REQUIRE(::seteuid(65534) == 0);
    body();
    REQUIRE(::seteuid(0) == 0);
}

}  // namespace

TEST_CASE("store: the last message of each type, as a PHP string") {
    StartedPlugin store("store", with({}));
    CHECK(store.handle("one", of_type(4)) == done);
    CHECK(store.handle("two", of_type(4)) == done);
    CHECK(store.handle(std::string("\0\"\xff", 3), of_type(5)) == done);
    CHECK(variable(4) == "s:3:\"two\";");
    CHECK(variable(5) == std::string("s:3:\"\0\"\xff\";", 10));
    const auto memory = SharedMemory::open(key).stat();
    CHECK(memory.size == 1'048'576);
    CHECK(memory.mode == 0660);
    CHECK(SemaphoreSet::open(key).stat().mode == 0660);
}

TEST_CASE("store: one variable for all, and the newest of them as an array") {
    StartedPlugin store("store", with({{"variable", {"1"}}, {"newest", {"3"}}}));
    CHECK(store.handle("a") == done);
    CHECK(variable(1) == R"(a:1:{i:0;s:1:"a";})");
    for (const char* body : {"b", "c", "d"})
        CHECK(store.handle(body) == done);
    CHECK(variable(1) == R"(a:3:{i:0;s:1:"b";i:1;s:1:"c";i:2;s:1:"d";})");
}

TEST_CASE("store: what PHP serialized is stored as it is, and anything else refused") {
    StartedPlugin store("store", with({{"as", {"php"}}}));
    const std::string value = R"(a:1:{s:1:"k";O:1:"C":0:{}})";
    CHECK(store.handle(value, of_type(2)) == done);
    CHECK(variable(2) == value);
    const Answer refused = store.handle("raw", of_type(2));
    CHECK(refused.verdict == MYQ_REJECT);
    CHECK(refused.reason.find("not what PHP's serialize() writes: byte 1: ") != std::string::npos);
    CHECK(variable(2) == value);
}

TEST_CASE("store: without room the old value stays, and the message is tried again") {
    StartedPlugin store("store", with({{"size", {"1000"}}}));
    CHECK(store.handle("old", of_type(1)) == done);
    const Answer full = store.handle(std::string(2000, 'x'), of_type(1));
    CHECK(full.verdict == MYQ_RETRY);
    CHECK(full.reason.find("there is no room for 2010 bytes") != std::string::npos);
    CHECK(variable(1) == "s:3:\"old\";");
}

TEST_CASE("store: a variable that holds something else is not overwritten by `newest`") {
    StartedPlugin store("store", with({{"newest", {"3"}}}));
    auto variables = SharedVariables::open(key, Access::read_write);
    for (const std::string_view other : {"i:5;", "a:1:{i:0;i:1;}", "broken"}) {
        REQUIRE(variables.put(7, std::as_bytes(std::span(other))) == PutStatus::stored);
        const Answer answer = store.handle("new");
        CHECK(answer.verdict == MYQ_RETRY);
        CHECK(answer.reason ==
              "variable 7 holds something else than an array of strings: remove it");
        CHECK(variable(7) == other);
    }
}

TEST_CASE("store: what it makes belongs to the group, also what it made before it could say so") {
    const auto group_of_both = [] {
        CHECK(SharedMemory::open(key).stat().gid == SemaphoreSet::open(key).stat().gid);
        return SharedMemory::open(key).stat().gid;
    };
    { const StartedPlugin store("store", with({})); }
    CHECK(group_of_both() == 0);
    const StartedPlugin store("store", with({{"group", {"myq-send"}}}));
    CHECK(group_of_both() == 951);
}

TEST_CASE("store: what somebody removes is made anew") {
    StartedPlugin store("store", with({}));
    CHECK(store.handle("one", of_type(1)) == done);
    SharedMemory::open(key).remove();
    CHECK(store.handle("two", of_type(1)) == done);
    CHECK(variable(1) == "s:3:\"two\";");
    SemaphoreSet::open(key).remove();
    CHECK(store.handle("three", of_type(1)).verdict == MYQ_RETRY);  // and the next attempt is fine
    CHECK(store.handle("three", of_type(1)) == done);
    CHECK(variable(1) == "s:5:\"three\";");
}

TEST_CASE("store: what a stranger made is not used, and delays nothing else") {
    bool is_segment = false;
    SUBCASE("a segment") {
        is_segment = true;
    }
    SUBCASE("a semaphore") {}
    as_nobody([&] {
        if (is_segment) {
            SharedVariables::create(key, 10'000, 0666);
        } else {
            SemaphoreSet::create(key, 0666);
        }
    });
    StartedPlugin store("store", with({}));
    const Answer answer = store.handle("secret", of_type(1));
    CHECK(answer.verdict == MYQ_RETRY);
    CHECK_MESSAGE(answer.reason.find("was made by uid 65534, who is neither root nor the daemon's "
                                     "user: not used; remove it (ipcrm -") != std::string::npos,
                  answer.reason);
    if (is_segment) CHECK(variable(1) == "none");
    StartedPlugin trusting("store", with({{"creators", {"nobody"}}}));
    CHECK(trusting.handle("one", of_type(1)) == done);
    CHECK(variable(1) == "s:3:\"one\";");
    CHECK(refusal("store", with({{"creators", {"no-such-user"}}})) ==
          "option 'creators' has 'no-such-user', and there is no such user");
    SharedMemory::open(key).remove();
    SemaphoreSet::open(key).remove();
}

TEST_CASE("store: who holds the semaphore puts a message off, and not the worker") {
    StartedPlugin store("store", with({}));
    CHECK(store.handle("one", of_type(1)) == done);
    Semaphore other = Semaphore::open(key);
    {
        const SemaphoreGuard held(other);
        // The handler waits 100 ms once: with ten seconds a message this would take minutes.
        for (int i = 0; i < 30; ++i) {
            CHECK(store.handle("two", of_type(1)) ==
                  Answer{MYQ_RETRY, "semaphore 0x6d797120: somebody holds it"});
        }
    }
    CHECK(store.handle("three", of_type(1)) == done);
}

TEST_CASE("store: a segment that is damaged is said, and left alone") {
    StartedPlugin store("store", with({}));
    REQUIRE(store.handle("one", of_type(1)) == done);
    auto memory = SharedMemory::open(key).attach(Access::read_write);
    memory.writable_bytes()[0] = std::byte{0};
    const Answer answer = store.handle("two", of_type(1));
    CHECK(answer.verdict == MYQ_RETRY);
    CHECK(answer.reason.find("shared memory 0x6d797120") != std::string::npos);
    CHECK(memory.bytes()[0] == std::byte{0});
}

TEST_CASE("store: options that are wrong are refused before anything is made") {
    CHECK(refusal("store", {}).find("'key' is missing") != std::string::npos);
    CHECK(refusal("store", {{"key", {"0"}}}) != "");
    CHECK(refusal("store", with({{"mode", {"0999"}}})).find("no octal mode") != std::string::npos);
    CHECK(refusal("store", with({{"newest", {"0"}}})).find("1 to 10000") != std::string::npos);
    CHECK(refusal("store", with({{"as", {"xml"}}})).find("string or php") != std::string::npos);
    CHECK(refusal("store", with({{"as", {"php"}}, {"newest", {"2"}}})) != "");
    CHECK(refusal("store", with({{"group", {"no-such-group"}}})).find("no such group") !=
          std::string::npos);
    CHECK(refusal("store", with({{"variable", {"five"}}})) != "");
    CHECK(refusal("store", with({{"variable", {"-5"}}, {"lock", {"7"}}})) == "");
    CHECK_FALSE(SharedMemory::exists(key));
}

}  // TEST_SUITE("store")
