// One segment, written and read by PHP and by us.
#include "ipc/shared_variables.hpp"
#include "tests/conformance/sysv_peer.hpp"
#include "tests/support/bytes.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

TEST_SUITE("sysv_variables") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797103");
const QueueKey other_key = QueueKey::from_text("0x6d797104");

std::string value(const SharedVariables& variables, std::int64_t variable) {
    const auto found = variables.value(variable);
    return found ? text(*found) : "(none)";
}

// What PHP's serialize() makes of a string.
std::string serialized(const std::string& text) {
    return "s:" + std::to_string(text.size()) + ":\"" + text + "\";";
}

std::string image(const SharedVariables& variables) {
    return text(variables.memory().attach(Access::read_only).bytes());
}

// The header, and the variables in their order.
using Content = std::pair<std::string, std::vector<std::pair<std::int64_t, std::string>>>;
Content content(const SharedVariables& variables) {
    Content content{image(variables).substr(0, 40), {}};
    variables.each([&](std::int64_t variable, std::span<const std::byte> bytes_of_it) {
        content.second.emplace_back(variable, text(bytes_of_it));
    });
    return content;
}

std::string hex(std::string_view text) {
    std::string digits;
    for (const char c : text) {
        constexpr std::string_view all = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        digits += {all[byte >> 4], all[byte & 15]};
    }
    return digits;
}

}  // namespace

TEST_CASE("PHP's segment and ours are the same, byte for byte") {
    Peer peer(php);
    peer.says("$m = shm_attach(0x6d797103, 512, 0640)");
    const SharedVariables theirs = SharedVariables::open(key, Access::read_write);
    const mode_t old = umask(0777);
    SharedVariables ours = SharedVariables::create(other_key, 512, 0640);
    umask(old);
    CHECK(image(ours) == image(theirs));
    CHECK(ours.memory().stat().mode == theirs.memory().stat().mode);
    CHECK(peer.says("shm_put_var($m, 100, '') && shm_put_var($m, -1, 'x')") == "true");
    REQUIRE(ours.put(100, bytes(serialized(""))) == PutStatus::stored);
    REQUIRE(ours.put(-1, bytes(serialized("x"))) == PutStatus::stored);
    CHECK(image(ours) == image(theirs));
}

TEST_CASE("A size is taken, and refused, as by PHP") {
    Peer peer(php);
    CHECK(peer.says("shm_attach(0x6d797103, 39)") ==
          "false | shm_attach(): Failed for key 0x6d797103: memorysize too small");
    CHECK_THROWS_AS(SharedVariables::create(key, 39, 0600), IpcError);
    CHECK(peer.says("shm_attach(0x6d797103)") == "SysvSharedMemory");
    CHECK(SharedVariables::open(key, Access::read_only).room() == 9960);

    SharedVariables smallest = SharedVariables::create(other_key, 80, 0600);
    CHECK(peer.says("shm_put_var($m = shm_attach(0x6d797104, 9000), 1, [])") == "true");
    CHECK(value(smallest, 1) == "a:0:{}");
    CHECK(smallest.put(2, {}) == PutStatus::full);
    CHECK(peer.says("shm_put_var($m, 2, 1)") ==
          "false | shm_put_var(): Not enough shared memory left");
}

// php-src's ext/sysvshm/tests/004 and 005.
TEST_CASE("Every kind of value that PHP puts is its serialize(), and comes back from our bytes") {
    Peer peer(php);
    peer.says("$m = shm_attach(0x6d797103, 4096)");
    SharedVariables ours = SharedVariables::open(key, Access::read_write);
    for (const std::string& php_value :
         {std::string("'test string'"), std::string("new ArrayObject([1, 'two' => 2.5])"),
          std::string("['a' => [1, null, \"\\0\\xff\"], -5 => true]"), std::string("false"),
          std::string("null"), std::string("PHP_INT_MIN"), std::string("0.1"), std::string("''")}) {
        CAPTURE(php_value);
        REQUIRE(peer.says("shm_put_var($m, 10, " + php_value + ")") == "true");
        const std::string bytes_of_it = value(ours, 10);
        CHECK(peer.says("bin2hex(serialize(" + php_value + "))") == '"' + hex(bytes_of_it) + '"');
        REQUIRE(ours.put(-1, bytes(bytes_of_it)) == PutStatus::stored);
        CHECK(peer.says("shm_get_var($m, -1) == " + php_value) == "true");
    }
    CHECK(peer.says("shm_get_var($m, 4)") == "false | shm_get_var(): Variable key 4 doesn't exist");
    CHECK(value(ours, 4) == "(none)");
    REQUIRE(ours.put(4, bytes("not serialized")) == PutStatus::stored);
    CHECK(peer.says("shm_get_var($m, 4)") ==
          "false | shm_get_var(): Variable data in shared memory is corrupted");
}

// php-src's ext/sysvshm/tests/006 and 007.
TEST_CASE("What one removes is gone for the other, and the rest is not") {
    Peer peer(php);
    SharedVariables ours = SharedVariables::create(key, 4096, 0600);
    peer.says("$m = shm_attach(0x6d797103)");
    for (const std::int64_t variable : {1, 2, 3}) {
        REQUIRE(ours.put(variable, bytes(serialized("value"))) == PutStatus::stored);
    }
    CHECK(peer.says("[shm_has_var($m, 1), shm_remove_var($m, 1), shm_has_var($m, 1)]") ==
          "[true,true,false]");
    CHECK(!ours.has(1));
    CHECK(!ours.remove(1));
    CHECK(ours.remove(2));
    CHECK(peer.says("shm_remove_var($m, 2)") ==
          "false | shm_remove_var(): Variable key 2 doesn't exist");
    CHECK(peer.says("shm_get_var($m, 3)") == "\"value\"");
    CHECK(peer.says("shm_remove($m)") == "true");
    CHECK(!SharedMemory::exists(key));
    CHECK(value(ours, 3) == serialized("value"));
    CHECK(peer.says("shm_put_var($m, 4, 4)") == "true");
    CHECK(value(ours, 4) == "i:4;");
    CHECK(peer.says("shm_detach($m)") == "true");
    CHECK(ours.memory().stat().attached == 1);
}

TEST_CASE("A thousand changes by either of us leave the segment that PHP alone leaves") {
    Peer peer(php);
    peer.says("$m = shm_attach(0x6d797103, 700)");
    peer.says("$alone = shm_attach(0x6d797104, 700)");
    SharedVariables shared = SharedVariables::open(key, Access::read_write);
    const SharedVariables alone = SharedVariables::open(other_key, Access::read_only);
    std::mt19937 random(20260101);
    int full = 0;
    for (int turn = 0; turn < 1000; ++turn) {
        const int variable = static_cast<int>(random() % 6) - 2;
        const std::string number = std::to_string(variable);
        const std::string text(random() % 200, static_cast<char>('a' + turn % 26));
        const bool ours = random() % 2 == 0;
        CAPTURE(turn);
        if (random() % 4 == 0) {
            const std::string removal =
                "shm_has_var($x, " + number + ") && shm_remove_var($x, " + number + ")";
            const std::string there = peer.says("($x = $alone) && " + removal);
            const bool was_there =
                ours ? shared.remove(variable) : peer.says("($x = $m) && " + removal) == "true";
            CHECK((there == "true") == was_there);
        } else {
            const auto put = [&](const char* segment) {
                return peer.says("shm_put_var($" + std::string(segment) + ", " + number + ", '" +
                                 text + "')");
            };
            const bool stored = put("alone") == "true";
            if (!ours) {
                CHECK((put("m") == "true") == stored);
            } else {
                CHECK((shared.put(variable, bytes(serialized(text))) == PutStatus::stored) ==
                      stored);
                // Where PHP has no room, it has no old value any more either.
                if (!stored) shared.remove(variable);
            }
            if (!stored) ++full;
        }
        REQUIRE(content(shared) == content(alone));
    }
    CHECK(full > 20);
}

TEST_CASE("What PHP would write behind the end of is set up so that it does not") {
    Peer peer(php);
    const SharedMemory zero = SharedMemory::create(key, 4096, 0600);
    SharedVariables ours = SharedVariables::open_or_create(key, 10'000, 0600);
    peer.says("$m = shm_attach(0x6d797103)");
    CHECK(peer.says("shm_put_var($m, 1, str_repeat('x', 8000))") ==
          "false | shm_put_var(): Not enough shared memory left");
    CHECK(peer.says("shm_put_var($m, 1, str_repeat('x', 4000))") == "true");
    CHECK(value(ours, 1) == serialized(std::string(4000, 'x')));
}

TEST_CASE("A free count that would send PHP behind the end is mended before PHP trusts it") {
    Peer peer(php);
    SharedVariables ours = SharedVariables::create(key, 200, 0600);
    REQUIRE(ours.put(1, bytes(serialized("x"))) == PutStatus::stored);
    const AttachedMemory memory = ours.memory().attach(Access::read_write);
    const std::int64_t too_much = 160;
    std::memcpy(memory.writable_bytes().data() + 24, &too_much, sizeof too_much);
    REQUIRE(ours.put(1, bytes(serialized("y"))) == PutStatus::stored);
    CHECK(peer.says("shm_put_var(shm_attach(0x6d797103), 2, str_repeat('x', 100))") ==
          "false | shm_put_var(): Not enough shared memory left");
}

// php-src's ext/sysvsem/tests/sysv.phpt, in turns.
TEST_CASE("A PHP script and we take turns at variables under one semaphore") {
    Peer peer(php);
    CHECK(peer.says("sem_acquire($s = sem_get(0x6d797103))") == "true");
    peer.says("$m = shm_attach(0x6d797103, 512)");
    CHECK(peer.says("shm_put_var($m, 0x3456, 'test') && shm_put_var($m, 0x1234, [1, 2])") ==
          "true");
    Semaphore lock = Semaphore::open(key);
    CHECK(!SemaphoreGuard::try_acquire(lock));
    CHECK(peer.says("sem_release($s)") == "true");
    SharedVariables ours = SharedVariables::open(key, Access::read_write, &lock);
    CHECK(value(ours, 0x3456) == "s:4:\"test\";");
    CHECK(value(ours, 0x1234) == "a:2:{i:0;i:1;i:1;i:2;}");
    {
        const SemaphoreGuard guard(lock);
        REQUIRE(ours.put(0x3456, bytes("i:7;")) == PutStatus::stored);
        CHECK(peer.says("sem_acquire($s, true)") == "false");
    }
    CHECK(peer.says("sem_acquire($s) && shm_get_var($m, 0x3456) === 7") == "true");
    CHECK(peer.says("shm_remove($m) && sem_remove($s)") == "true");
    CHECK(SemaphoreSet::list().empty());
}

TEST_CASE("Python reads our segment, and we read what it copies") {
    Peer peer(python);
    SharedVariables ours = SharedVariables::create(key, 512, 0600);
    REQUIRE(ours.put(1, bytes(serialized("x"))) == PutStatus::stored);
    CHECK(peer.says("sysv_ipc.SharedMemory(0x6d797103).read().hex()") ==
          "'" + hex(image(ours)) + "'");
    peer.says("image = sysv_ipc.SharedMemory(0x6d797103).read()");
    peer.says("sysv_ipc.SharedMemory(0x6d797104, sysv_ipc.IPC_CREX, size=512).write(image)");
    CHECK(value(SharedVariables::open(other_key, Access::read_only), 1) == serialized("x"));
}

TEST_CASE("Perl reads our segment, and we read what it copies") {
    Peer peer(perl);
    SharedVariables ours = SharedVariables::create(key, 512, 0600);
    REQUIRE(ours.put(1, bytes(serialized("x"))) == PutStatus::stored);
    peer.says("$image = IPC::SharedMem->new(0x6d797103, 512, 0)->read(0, 512)");
    CHECK(peer.says("unpack 'H*', $image") == hex(image(ours)));
    peer.says("IPC::SharedMem->new(0x6d797104, 512, IPC_CREAT | 0600)->write($image, 0, 512)");
    CHECK(value(SharedVariables::open(other_key, Access::read_only), 1) == serialized("x"));
}

}  // TEST_SUITE("sysv_variables")
