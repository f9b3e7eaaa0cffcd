// What the daemon stores, a PHP page reads, under the same semaphore.
#include "ipc/semaphore.hpp"
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("store") {

using namespace myq::test;

namespace {

std::string php(const std::string& code) {
    const Run run = myq::test::run({"php", "-r", code});
    CHECK_MESSAGE(run.exit_code == 0, run.err);
    return run.out;
}

}  // namespace

TEST_CASE("store: what is stored under the lock, PHP reads under the lock, and the reverse") {
    const DaemonProcess daemon({{"store"},
                                "handlers:\n"
                                "  - {type: 4, plugin: store, options: {key: 0x77, mode: '0666'}}\n"
                                "  - {type: 5, plugin: store,\n"
                                "     options: {key: 0x78, variable: 1, newest: 2, size: 20000}}\n"
                                "  - {type: 6, plugin: store, options: {key: 0x77, as: php}}\n",
                                {}});
    REQUIRE(daemon.start().exit_code == 0);
    const std::string open = "$s = sem_get(0x77); $m = shm_attach(0x77); sem_acquire($s);";
    daemon.send(4, "a price");
    CHECK(eventually([&] {
        return php(open + "echo shm_has_var($m, 4) ? shm_get_var($m, 4) : '';") == "a price";
    }));
    for (const char* body : {"one", "two", "three"})
        daemon.send(5, body);
    CHECK(eventually([&] {
        return php("$m = shm_attach(0x78); echo json_encode(@shm_get_var($m, 1));") ==
               R"(["two","three"])";
    }));
    // From PHP, through the queue, into the memory, back to PHP: the value that it was.
    php("msg_send(msg_get_queue(0x6d797101), 6, ['k' => 1.5, 'l' => [null]]);");
    CHECK(eventually([&] {
        return php(open + "echo json_encode(@shm_get_var($m, 6));") == R"({"k":1.5,"l":[null]})";
    }));
    // Whoever holds the semaphore, a page too, is waited for.
    auto lock = myq::Semaphore::open(myq::QueueKey::from_text("0x77"));
    REQUIRE(lock.try_acquire());
    daemon.send(4, "new");
    CHECK(eventually([&] { return lock.set().values().waiting == 1; }));
    CHECK(php("echo shm_get_var(shm_attach(0x77), 4);") == "a price");
    lock.release();
    CHECK(eventually([&] { return php(open + "echo shm_get_var($m, 4);") == "new"; }));
    CHECK(daemon.log().find("is dead") == std::string::npos);
}

}  // TEST_SUITE("store")
