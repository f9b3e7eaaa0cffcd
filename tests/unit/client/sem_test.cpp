#include "ipc/semaphore.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

TEST_SUITE("sem") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797110");
const std::string what = "semaphore 0x6d797110";

// The semaphore that the test works on, gone at its end.
class ScratchSemaphore {
public:
    ScratchSemaphore() { REQUIRE(test::myq({"sem", "create", key.text()}).status == 0); }
    ~ScratchSemaphore() {
        if (SemaphoreSet::exists(key)) SemaphoreSet::open(key).remove();
    }
    ScratchSemaphore(const ScratchSemaphore&) = delete;
    ScratchSemaphore& operator=(const ScratchSemaphore&) = delete;

    static SemaphoreValues values() { return SemaphoreSet::open(key).values(); }
};

void check_held() {
    check_myq({"sem", "acquire", key.text(), "--nowait"}, 75, "",
              "myq: " + what + ": it is held: try again later, or wait without --nowait\n");
}

}  // namespace

TEST_CASE("sem acquire holds until sem release, though both commands are over") {
    const ScratchSemaphore semaphore;
    check_myq({"sem", "acquire", key.text()}, 0, "", "");
    check_held();
    check_myq({"sem", "acquire", key.text(), "--timeout", "20ms"}, 75, "",
              "myq: " + what + ": it is held, and was for 20ms: try again later\n");
    CHECK(ScratchSemaphore::values().users == 1);
    check_myq({"sem", "release", key.text()}, 0, "", "");
    check_myq({"sem", "release", key.text()}, 65, "",
              "myq: " + what + ": nobody has acquired it: nothing to release\n");
    check_myq({"sem", "acquire", key.text(), "--nowait"}, 0, "", "");
}

TEST_CASE("sem acquire keeps a program's semaphore from being set anew") {
    const ScratchSemaphore scratch;
    check_myq({"sem", "acquire", key.text(), "--max", "2"}, 0, "", "");
    Semaphore semaphore = Semaphore::open(key, {.max_acquire = 5});  // too late to say so
    CHECK(semaphore.try_acquire());
    CHECK_FALSE(semaphore.try_acquire());
    check_held();
}

TEST_CASE("sem run holds while the command runs, however it ends") {
    const ScratchSemaphore semaphore;
    ClientProcess holder({"sem", "run", key.text(), "--", "sh", "-c", "echo held; exec cat"},
                         {.pipe_input = true});
    REQUIRE(holder.prints("held"));
    check_held();
    holder.end_input();
    CHECK(holder.wait().status == 0);
    CHECK(ScratchSemaphore::values().free == 1);

    ClientProcess killed({"sem", "run", key.text(), "--", "sh", "-c", "echo held; exec cat"},
                         {.pipe_input = true});
    REQUIRE(killed.prints("held"));
    killed.signal(SIGKILL);
    CHECK(killed.wait().status == -SIGKILL);
    CHECK(ScratchSemaphore::values().free == 1);
    CHECK(ScratchSemaphore::values().users == 0);
}

TEST_CASE("sem run has the command's status and words") {
    const ScratchSemaphore semaphore;
    check_myq({"sem", "run", key.text(), "--", "sh", "-c", "echo \"$1\"; exit 3", "x", "a  -b"}, 3,
              "a  -b\n", "");
    check_myq({"sem", "run", key.text(), "--", "/nonexistent"}, 127, "",
              "myq: '/nonexistent': cannot be run: No such file or directory\n");
    check_myq({"sem", "run", key.text(), "--", "/etc/passwd"}, 126, "",
              "myq: '/etc/passwd': cannot be run: Permission denied\n");
    CHECK(ScratchSemaphore::values().free == 1);
}

TEST_CASE("sem run waits for one that is held, and makes one only if asked to") {
    {
        const ScratchSemaphore scratch;
        Semaphore semaphore = Semaphore::open(key);
        REQUIRE(semaphore.try_acquire());
        ClientProcess waiting({"sem", "run", key.text(), "--", "echo", "mine"});
        REQUIRE(blocks_in(waiting.pid(), SYS_semtimedop));
        semaphore.release();
        CHECK(waiting.wait().out == "mine\n");
    }
    CHECK(test::myq({"sem", "run", key.text(), "--", "true"}).status == 69);
    CHECK(test::myq({"sem", "run", key.text(), "--create", "--", "true"}).status == 0);
    check_myq({"sem", "remove", key.text()}, 0, "", "");
    CHECK_FALSE(SemaphoreSet::exists(key));
}

TEST_CASE("sem run: somebody else's is not taken for the one that it would make") {
    REQUIRE(in_child([] {
                if (setuid(65534) != 0) return 99;
                SemaphoreSet::create(key, 0666);
                return 0;
            }) == 0);
    const SemaphoreSet squatted = SemaphoreSet::open(key);
    check_myq({"sem", "run", key.text(), "--create", "--", "true"}, 77, "",
              "myq: " + what +
                  ": was made by nobody, who may hold it for ever: not used; remove "
                  "it (ipcrm -s " +
                  std::to_string(squatted.id()) + "), or use another key\n");
    CHECK(squatted.values().users == 0);
    // Whoever names it without that word means this very one.
    CHECK(test::myq({"sem", "run", key.text(), "--", "true"}).status == 0);
    squatted.remove();
}

TEST_CASE("sem list shows what is there, and what of it can be known") {
    const ScratchSemaphore scratch;
    check_myq({"sem", "acquire", key.text(), "--max", "3"}, 0, "", "");
    const auto json = nlohmann::json::parse(test::myq({"sem", "list", "--json"}).out);
    CHECK(json.at("key") == key.value());
    CHECK(json.at("mode") == 0600);
    CHECK(json.at("members") == 3);
    CHECK(json.at("free") == 2);
    CHECK(json.at("users") == 1);
    CHECK(json.at("waiting") == 0);
    const auto other =
        nlohmann::json::parse(test::myq({"sem", "list", "--json"}, {.nobody = true}).out);
    CHECK(other.at("free").is_null());
    CHECK(test::myq({"sem", "list"}).out.starts_with("KEY "));
}

TEST_CASE("sem create refuses a key that is taken, and gives the mode that was asked for") {
    const ScratchSemaphore scratch;
    CHECK(test::myq({"sem", "create", key.text()}).status == 73);
    check_myq({"sem", "remove", key.text()}, 0, "", "");
    CHECK(test::myq({"sem", "create", key.text(), "--mode", "0660"}).status == 0);
    CHECK(SemaphoreSet::open(key).stat().mode == 0660);
}

}  // TEST_SUITE("sem")
