#include "ipc/shared_variables.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

TEST_SUITE("shm") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797111");
const std::string what = "shared memory 0x6d797111";

class ScratchSegment {
public:
    explicit ScratchSegment(const std::string& size = "1000") {
        REQUIRE(test::myq({"shm", "create", key.text(), "--size", size}).status == 0);
    }
    ~ScratchSegment() {
        if (SharedMemory::exists(key)) SharedMemory::open(key).remove();
    }
    ScratchSegment(const ScratchSegment&) = delete;
    ScratchSegment& operator=(const ScratchSegment&) = delete;
};

void put(const std::string& variable, const std::string& value) {
    check_myq({"shm", "put", key.text(), variable, value}, 0, "", "");
}

}  // namespace

TEST_CASE("shm put and get are byte for byte, from an argument, a file or standard input") {
    const ScratchSegment segment;
    put("1", "one");
    check_myq({"shm", "get", key.text(), "1"}, 0, "one", "");
    const std::string bytes("\0\n\xff", 3);
    check_myq({"shm", "put", key.text(), "-7"}, 0, "", "", {.input = bytes});
    check_myq({"shm", "get", key.text(), "-7"}, 0, bytes, "");
    const TempDir dir;
    write_file(dir.path() / "value", "");
    check_myq({"shm", "put", key.text(), "1", "--file", dir.path() / "value"}, 0, "", "");
    check_myq({"shm", "get", key.text(), "1"}, 0, "", "");
    CHECK(test::myq({"shm", "put", key.text(), "1", "x", "--file", "y"}).status == 64);
    check_myq({"shm", "put", key.text(), "1", "--file", "/nonexistent"}, 66, "",
              "myq: /nonexistent: cannot be read: No such file or directory\n");
}

TEST_CASE("shm --php is JSON here and serialized there") {
    const ScratchSegment segment;
    check_myq({"shm", "put", key.text(), "1", "--php", R"({"a":[1,2.5,"x",null]})"}, 0, "", "");
    check_myq({"shm", "get", key.text(), "1"}, 0,
              R"(a:1:{s:1:"a";a:4:{i:0;i:1;i:1;d:2.5;i:2;s:1:"x";i:3;N;}})", "");
    check_myq({"shm", "get", key.text(), "1", "--php"}, 0,
              R"({"a":[1,2.5,"x",null]})"
              "\n",
              "");
    put("2", "raw");
    const Outcome get = test::myq({"shm", "get", key.text(), "2", "--php"});
    CHECK(get.status == 65);
    CHECK(get.err.starts_with("myq: variable 2: not what PHP's serialize() writes: byte "));
    CHECK(test::myq({"shm", "put", key.text(), "3", "--php", "no json"}).status == 65);
    check_myq({"shm", "has", key.text(), "3"}, 1, "", "");
}

TEST_CASE("shm --string is bytes here and a PHP string there") {
    const ScratchSegment segment;
    const std::string bytes("\0\"\xff", 3);
    check_myq({"shm", "put", key.text(), "1", "--string"}, 0, "", "", {.input = bytes});
    check_myq({"shm", "get", key.text(), "1"}, 0, "s:3:\"" + bytes + "\";", "");
    check_myq({"shm", "get", key.text(), "1", "--string"}, 0, bytes, "");
    put("2", "i:5;");
    check_myq({"shm", "get", key.text(), "2", "--string"}, 65, "",
              "myq: variable 2: not a PHP string: see it with --php\n");
    CHECK(test::myq({"shm", "get", key.text(), "1", "--string", "--php"}).status == 64);
}

TEST_CASE("shm has, del and dump") {
    const ScratchSegment segment;
    put("5", "five");
    put("3", "a:0:{}");
    check_myq({"shm", "has", key.text(), "5"}, 0, "", "");
    check_myq({"shm", "dump", key.text()}, 0,
              "VARIABLE  SIZE  VALUE\n       5     4  five\n       3     6  a:0:{}\n", "");
    check_myq({"shm", "dump", key.text(), "--json"}, 0,
              "{\"variable\":5,\"size\":4,\"body\":\"five\"}\n"
              "{\"variable\":3,\"size\":6,\"body\":\"a:0:{}\"}\n",
              "");
    check_myq({"shm", "del", key.text(), "5"}, 0, "", "");
    check_myq({"shm", "has", key.text(), "5"}, 1, "", "");
    check_myq({"shm", "dump", key.text(), "--php"}, 0, "{\"variable\":3,\"value\":[]}\n", "");
    for (const char* verb : {"get", "del"})
        check_myq({"shm", verb, key.text(), "5"}, 69, "",
                  "myq: " + what + ": there is no variable 5: see myq shm dump 0x6d797111\n");
}

TEST_CASE("shm put without room leaves the old value") {
    const ScratchSegment segment;
    put("1", "old");
    const Outcome full = test::myq({"shm", "put", key.text(), "1", std::string(2000, 'x')});
    CHECK(full.status == 75);
    CHECK(full.err.find("there is no room for ") != std::string::npos);
    check_myq({"shm", "get", key.text(), "1"}, 0, "old", "");
}

TEST_CASE("shm --lock waits for whoever holds the semaphore") {
    const ScratchSegment segment;
    put("1", "old");
    Semaphore lock = Semaphore::open_or_create(key, 0600);
    REQUIRE(lock.try_acquire());
    ClientProcess writer({"shm", "put", key.text(), "1", "new", "--lock", key.text()});
    REQUIRE(blocks_in(writer.pid(), SYS_semtimedop));
    check_myq({"shm", "get", key.text(), "1"}, 0, "old", "");
    lock.release();
    CHECK(writer.wait().status == 0);
    check_myq({"shm", "get", key.text(), "1"}, 0, "new", "");
    lock.set().remove();
}

TEST_CASE("shm: a lock that neither root, nor the caller, nor the segment's maker made") {
    const auto by_nobody = [](const auto& make) {
        return in_child([&] {
                   if (setuid(65534) != 0) return 99;
                   make();
                   return 0;
               }) == 0;
    };
    REQUIRE(by_nobody([] { SemaphoreSet::create(key, 0666); }));
    const SemaphoreSet lock = SemaphoreSet::open(key);
    const std::vector<std::string> put{"shm", "put", key.text(), "1", "x", "--lock", key.text()};
    {
        const ScratchSegment segment;
        const Outcome refused = test::myq(put);
        CHECK(refused.status == 77);
        CHECK_MESSAGE(refused.err.find("was made by nobody") != std::string::npos, refused.err);
        CHECK(test::myq({"shm", "has", key.text(), "1"}).status == 1);
    }
    REQUIRE(by_nobody([] { SharedVariables::create(key, 1000, 0666); }));
    CHECK(test::myq(put).status == 0);
    SharedMemory::open(key).remove();
    lock.remove();
}

TEST_CASE("shm refuses a segment that is not, or no longer, in order, and does not touch it") {
    const ScratchSegment segment;
    put("1", "x");
    AttachedMemory memory = SharedMemory::open(key).attach(Access::read_write);
    std::memset(memory.writable_bytes().data(), 'z', 16);
    const std::string before(reinterpret_cast<const char*>(memory.bytes().data()), memory.size());
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"shm", "get", key.text(), "1"},
          {"shm", "put", key.text(), "1", "y"},
          {"shm", "dump", key.text()}}) {
        CAPTURE(args[1]);
        const Outcome outcome = test::myq(args);
        CHECK(outcome.status == 65);
        CHECK(outcome.err.find(what) != std::string::npos);
    }
    CHECK(before ==
          std::string(reinterpret_cast<const char*>(memory.bytes().data()), memory.size()));
}

TEST_CASE("shm create, list and remove") {
    {
        const ScratchSegment segment("2000");
        CHECK(test::myq({"shm", "create", key.text()}).status == 73);
        const auto json = nlohmann::json::parse(test::myq({"shm", "list", "--json"}).out);
        CHECK(json.at("key") == key.value());
        CHECK(json.at("size") == 2000);
        CHECK(json.at("mode") == 0600);
        CHECK(json.at("attached") == 0);
        CHECK(test::myq({"shm", "list"}).out.starts_with("KEY "));
        check_myq({"shm", "remove", key.text()}, 0, "", "");
    }
    CHECK(test::myq({"shm", "remove", key.text()}).status == 69);
    CHECK(test::myq({"shm", "get", key.text(), "1"}).status == 69);
}

}  // TEST_SUITE("shm")
