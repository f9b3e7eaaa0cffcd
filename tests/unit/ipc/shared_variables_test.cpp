#include "ipc/shared_variables.hpp"
#include "tests/support/bytes.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

TEST_SUITE("shared_variables") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797199");

std::string value(const SharedVariables& variables, std::int64_t variable) {
    const auto found = variables.value(variable);
    return found ? text(*found) : "(none)";
}

using Pairs = std::vector<std::pair<std::int64_t, std::string>>;
Pairs all(const SharedVariables& variables) {
    Pairs pairs;
    variables.each([&](std::int64_t variable, std::span<const std::byte> bytes_of_it) {
        pairs.emplace_back(variable, text(bytes_of_it));
    });
    return pairs;
}

// A segment at `key` that ends with the test.
struct Scratch {
    SharedMemory memory;
    explicit Scratch(std::size_t size, mode_t mode = 0600)
        : memory(SharedMemory::create(key, size, mode)) {}
    explicit Scratch(const SharedVariables& variables) : memory(variables.memory()) {}
    ~Scratch() {
        try {
            memory.remove();
        } catch (const IpcError&) {
            // The test removed it already.
        }
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    void write(std::string_view image) const {
        const AttachedMemory attached = memory.attach(Access::read_write);
        std::memcpy(attached.writable_bytes().data(), image.data(), image.size());
    }
    std::string image() const { return text(memory.attach(Access::read_only).bytes()); }
};

// What PHP 8.2 makes of shm_attach($key, 512), shm_put_var($shm, 100, '') and
// shm_put_var($shm, 101, 'x') in a new segment.
std::string golden() {
    constexpr std::string_view digits = "5048505f534d0000"
                                        "2800000000000000"
                                        "7800000000000000"
                                        "8801000000000000"
                                        "0002000000000000"
                                        "6400000000000000"
                                        "0700000000000000"
                                        "2800000000000000"
                                        "733a303a22223b00"
                                        "0000000000000000"
                                        "6500000000000000"
                                        "0800000000000000"
                                        "2800000000000000"
                                        "733a313a2278223b"
                                        "0000000000000000";
    std::string image;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        image += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    }
    image.resize(512);
    return image;
}

template <typename Error = IpcError>
std::string said(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& e) {
        return e.what();
    }
    return "nothing";
}

}  // namespace

TEST_CASE("We write a segment as PHP does, byte for byte") {
    SharedVariables variables = SharedVariables::create(key, 512, 0640);
    const Scratch scratch(variables);
    CHECK(scratch.image() == golden().substr(0, 16) +
                                 std::string("\x28\0\0\0\0\0\0\0\xd8\1\0\0\0\0\0\0", 16) +
                                 golden().substr(32, 8) + std::string(472, '\0'));
    CHECK(variables.put(100, bytes("s:0:\"\";")) == PutStatus::stored);
    CHECK(variables.put(101, bytes("s:1:\"x\";")) == PutStatus::stored);
    CHECK(scratch.image() == golden());
    CHECK(scratch.memory.stat().mode == 0640);
}

TEST_CASE("We read a segment as PHP wrote it") {
    const Scratch scratch(512);
    scratch.write(golden());
    const SharedVariables variables = SharedVariables::open(key, Access::read_only);
    CHECK(value(variables, 100) == "s:0:\"\";");
    CHECK(value(variables, 101) == "s:1:\"x\";");
    CHECK(variables.has(101));
    CHECK(!variables.has(102));
    CHECK(value(variables, 102) == "(none)");
    CHECK(all(variables) == Pairs{{100, "s:0:\"\";"}, {101, "s:1:\"x\";"}});
    CHECK(variables.room() == 392);
    CHECK(scratch.image() == golden());
}

TEST_CASE("A variable takes the room that it takes in PHP") {
    for (const auto& [length, room] : std::map<std::size_t, std::size_t>{
             {0, 32}, {1, 40}, {8, 40}, {9, 48}, {16, 48}, {17, 56}, {24, 56}}) {
        CHECK(SharedVariables::room_for(length) == room);
    }
    SharedVariables variables = SharedVariables::create(key, 80, 0600);
    const Scratch scratch(variables);
    CHECK(variables.put(1, bytes("123456789")) == PutStatus::full);
    CHECK(variables.put(1, bytes("12345678")) == PutStatus::stored);
    CHECK(variables.room() == 0);
    CHECK(variables.put(2, {}) == PutStatus::full);
}

TEST_CASE("Any key and any bytes are kept, and a replaced variable becomes the last") {
    SharedVariables variables = SharedVariables::create(key, 1000, 0600);
    const Scratch scratch(variables);
    const std::string binary("\0PHP_SM\0\xff", 9);
    for (const std::int64_t variable : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
        REQUIRE(variables.put(variable, bytes(binary)) == PutStatus::stored);
    }
    REQUIRE(variables.put(-1, bytes("")) == PutStatus::stored);
    CHECK(all(variables) == Pairs{{INT64_MIN, binary}, {0, binary}, {INT64_MAX, binary}, {-1, ""}});
    CHECK(variables.room() == 960 - 3 * 48 - 32);
}

TEST_CASE("Removing closes the gap") {
    SharedVariables variables = SharedVariables::create(key, 512, 0600);
    const Scratch scratch(variables);
    for (const std::int64_t variable : {1, 2, 3}) {
        REQUIRE(
            variables.put(variable, bytes(std::string(30, static_cast<char>('0' + variable)))) ==
            PutStatus::stored);
    }
    CHECK(variables.remove(2));
    CHECK(all(variables) == Pairs{{1, std::string(30, '1')}, {3, std::string(30, '3')}});
    CHECK(!variables.remove(2));
    CHECK(variables.remove(1));
    CHECK(variables.remove(3));
    CHECK(all(variables).empty());
    CHECK(variables.room() == 472);
}

TEST_CASE("A value without room leaves everything as it was, where PHP loses the old one") {
    SharedVariables variables = SharedVariables::create(key, 200, 0600);
    const Scratch scratch(variables);
    REQUIRE(variables.put(1, bytes("old")) == PutStatus::stored);
    REQUIRE(variables.put(2, bytes("other")) == PutStatus::stored);
    const std::string before = scratch.image();
    CHECK(variables.put(1, bytes(std::string(100, 'n'))) == PutStatus::full);
    CHECK(variables.put(1, {bytes("").data(), SIZE_MAX}) == PutStatus::full);
    CHECK(scratch.image() == before);
    // The room of the old value counts: 80 of the free bytes and its own 40.
    CHECK(variables.put(1, bytes(std::string(88, 'n'))) == PutStatus::stored);
    CHECK(all(variables) == Pairs{{2, "other"}, {1, std::string(88, 'n')}});
    CHECK(variables.room() == 0);
}

TEST_CASE("The slack behind a value shows nothing of earlier ones") {
    SharedVariables variables = SharedVariables::create(key, 200, 0600);
    const Scratch scratch(variables);
    REQUIRE(variables.put(1, bytes(std::string(64, 'S'))) == PutStatus::stored);
    REQUIRE(variables.put(1, bytes("x")) == PutStatus::stored);
    CHECK(scratch.image().substr(64, 16) == "x" + std::string(15, '\0'));
}

TEST_CASE("An existing segment keeps its size and its variables") {
    SharedVariables made = SharedVariables::open_or_create(key, 512, 0600);
    const Scratch scratch(made);
    REQUIRE(made.put(1, bytes("one")) == PutStatus::stored);
    const SharedVariables found = SharedVariables::open_or_create(key, 100'000, 0666);
    CHECK(value(found, 1) == "one");
    CHECK(found.memory().stat().size == 512);
    CHECK(found.memory().stat().mode == 0600);
    CHECK(said([] { SharedVariables::create(key, 512, 0600); }).find("exists already") !=
          std::string::npos);
}

TEST_CASE("A segment too small for a header is refused before it is made") {
    CHECK(said([] { SharedVariables::create(key, 39, 0600); }) ==
          "shmget shared memory 0x6d797199: 39 bytes are fewer than the 40 of PHP's header; use "
          "more, and 80 for a first variable");
    CHECK(!SharedMemory::exists(key));
    SharedVariables smallest = SharedVariables::create(key, 40, 0600);
    const Scratch scratch(smallest);
    CHECK(smallest.put(1, {}) == PutStatus::full);
    CHECK(all(SharedVariables::open_or_create(key, 40, 0600)).empty());
}

TEST_CASE("Opened for reading only, variables are read and not written") {
    SharedVariables writer = SharedVariables::create(key, 512, 0604);
    const Scratch scratch(writer);
    REQUIRE(writer.put(1, bytes("one")) == PutStatus::stored);
    CHECK(as_nobody([] {
              SharedVariables reader = SharedVariables::open(key, Access::read_only);
              if (value(reader, 1) != "one") return 1;
              try {
                  reader.remove(1);
              } catch (const std::logic_error&) {
                  return said([] {
                             SharedVariables::open(key, Access::read_write);
                         }).find("shmat shared memory 0x6d797199: no permission") == 0
                             ? 0
                             : 2;
              }
              return 3;
          }) == 0);
}

TEST_CASE("A removed segment works on for who has it, and its key is free") {
    SharedVariables variables = SharedVariables::create(key, 512, 0600);
    REQUIRE(variables.put(1, bytes("one")) == PutStatus::stored);
    variables.memory().remove();
    CHECK(value(variables, 1) == "one");
    CHECK(variables.put(2, bytes("two")) == PutStatus::stored);
    CHECK(!SharedMemory::exists(key));
}

TEST_CASE("A mode that shuts its maker out leaves no segment behind") {
    CHECK(as_nobody([] {
              return said([] { SharedVariables::create(key, 512, 0); }).find("shmat") == 0 ? 0 : 1;
          }) == 0);
    CHECK(SharedMemory::list().empty());
}

TEST_CASE("open_or_create survives a segment that comes and goes") {
    constexpr int rounds = 2000;
    const auto flicker = [] {
        for (int i = 0; i < rounds; ++i) {
            try {
                SharedVariables::open_or_create(key, 512, 0600).memory().remove();
            } catch (const IpcError& e) {
                if (e.error() != EIDRM) return 1;  // the other one removed it first
            }
        }
        return 0;
    };
    const pid_t other = fork_child(flicker);
    CHECK(flicker() == 0);
    CHECK(wait_for(other) == 0);
    CHECK(SharedMemory::list().empty());
}

TEST_CASE("With a lock each call holds it, unless the caller does") {
    Semaphore lock = Semaphore::create(key, 0600);
    SharedVariables variables = SharedVariables::create(key, 512, 0600, &lock);
    const Scratch scratch(variables);
    {
        const SemaphoreGuard guard(lock);
        REQUIRE(variables.put(1, bytes("one")) == PutStatus::stored);
        const pid_t other = fork_child([&] {
            const SharedVariables theirs = SharedVariables::open(key, Access::read_only, &lock);
            return value(theirs, 1) == "two" ? 0 : 1;
        });
        REQUIRE(blocks_in(other, SYS_semtimedop));
        REQUIRE(variables.put(1, bytes("two")) == PutStatus::stored);
        lock.release();
        CHECK(wait_for(other) == 0);
        REQUIRE(lock.try_acquire());
    }
    variables.each([&](std::int64_t, std::span<const std::byte>) { CHECK(lock.held() == 1); });
    CHECK(lock.held() == 0);
    CHECK(lock.set().values().free == 1);
    lock.set().remove();
}

}  // TEST_SUITE("shared_variables")
