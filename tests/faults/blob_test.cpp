// F35: blobs. Killed at each system call that has to do with the shared memory, the sender and
// every process of the daemon; no memory for them; kills under load.
#include "ipc/shared_memory.hpp"
#include "tests/faults/processes.hpp"
#include "tests/faults/scale.hpp"
#include "tests/faults/tracer.hpp"
#include "tests/support/ledger.hpp"
#include "tests/support/worker_watch.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <poll.h>
#include <signal.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

TEST_SUITE("blob") {

using namespace myq::test;

namespace {

struct Point {
    std::string call;
    int when;
};

std::vector<std::string> inject(const Point& point, const std::string& fault) {
    return {"-o", "/dev/null",
            "-e", "trace=" + point.call,
            "-e", fmt::format("inject={}:{}:when={}", point.call, fault, point.when)};
}

// A daemon that counts, and messages of 100 000 bytes, each with a number of its own.
struct Scene {
    explicit Scene(const std::string& queue, std::uint64_t messages = 200)
        : daemon({{"ledger"},
                  queue + "\nretry: {attempts: 1000, delay: 10ms, max_delay: 10ms}"
                          "\nhandlers: [{type: any, plugin: ledger, options: {file: "
                          "/mnt/ledger}}]",
                  "stop_timeout: 1s"}),
          ledger("/mnt/ledger", messages) {}
    ~Scene() { kill_every_process(); }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    // Writes the body of the next message, and says how to send it.
    std::vector<std::string> next(const std::vector<std::string>& more = {}) {
        const std::string number = std::to_string(++sent);
        write_file("/mnt/body", std::string(100'000, '0') + number);
        std::vector<std::string> command{MYQ_BINARY, "-c",     daemon.config_file(), "send",
                                         "jobs/1",   "--file", "/mnt/body"};
        command.insert(command.end(), more.begin(), more.end());
        return command;
    }
    Run send(const std::vector<std::string>& more = {}) { return run(next(more)); }

    bool handled(std::uint64_t number) const {
        return eventually([&] { return ledger.times(number) > 0; });
    }
    // After another blob of the same user, and another start: all that was left is gone.
    bool comes_clean() {
        const bool works = send().exit_code == 0 && handled(sent);
        return works && daemon.stop().exit_code == 0 && daemon.start().exit_code == 0 &&
               eventually([] { return myq::SharedMemory::list().empty(); });
    }

    DaemonProcess daemon;
    Ledger ledger;
    std::uint64_t sent = 0;
};

// Until it is handled, or nobody is there any more who could, or for half a second.
void await(const Scene& scene, std::uint64_t number) {
    for (int i = 0; i < 100 && scene.ledger.times(number) == 0 && !daemon_processes().empty(); ++i)
        ::poll(nullptr, 0, has_sanitizer ? 50 : 5);
}

void kill_daemon_at_each_call(const std::string& queue) {
    Scene scene(queue);
    for (const Point& point : std::vector<Point>{{"shmat", 1},
                                                 {"shmat", 2},
                                                 {"shmctl", 1},
                                                 {"shmctl", 2},
                                                 {"shmctl", 3},
                                                 {"shmctl", 4},
                                                 {"shmctl", 5},
                                                 {"shmctl", 6},
                                                 {"shmctl", 8},
                                                 {"shmdt", 1},
                                                 {"shmdt", 2},
                                                 {"mremap", 1}}) {
        CAPTURE(fmt::format("{}:{}", point.call, point.when));
        REQUIRE(scene.daemon.start().exit_code == 0);  // the queue is there
        CHECK(scene.daemon.stop().exit_code == 0);
        REQUIRE(scene.send().exit_code == 0);
        start_traced(scene.daemon, inject(point, "signal=SIGKILL"));
        await(scene, scene.sent);
        const std::uint64_t number = scene.sent;
        kill_every_process();
        REQUIRE(scene.daemon.start().exit_code == 0);
        CHECK(scene.handled(number));
        CHECK(scene.comes_clean());
        CHECK(scene.daemon.stop().exit_code == 0);
        // Once, and once more for each kill in its handler, of which there was none but ours.
        CHECK(scene.ledger.times(number) <= 2);
        CHECK(scene.daemon.log().find("is dead") == std::string::npos);
    }
}

}  // namespace

TEST_CASE("F35: a sender killed at any system call of a blob leaves nothing, and harms nobody") {
    Scene scene("receivers: 2");
    REQUIRE(scene.daemon.start().exit_code == 0);
    for (const Point& point : std::vector<Point>{{"shmget", 1},
                                                 {"shmat", 1},
                                                 {"shmctl", 1},
                                                 {"shmctl", 2},
                                                 {"shmctl", 3},
                                                 {"shmctl", 4},
                                                 {"shmctl", 5},
                                                 {"shmctl", 6},
                                                 {"madvise", 1},
                                                 {"madvise", 2},
                                                 {"msgsnd", 1},
                                                 {"shmdt", 1},
                                                 {"exit_group", 1}}) {
        CAPTURE(fmt::format("{}:{}", point.call, point.when));
        std::vector<std::string> command{"strace", "-f", "-qq"};
        const auto options = inject(point, "signal=SIGKILL");
        const auto sender = scene.next();
        command.insert(command.end(), options.begin(), options.end());
        command.insert(command.end(), sender.begin(), sender.end());
        const std::uint64_t number = scene.sent;
        run(command);
        CHECK(scene.comes_clean());
        CHECK(scene.ledger.times(number) <= 1);
    }
    CHECK(scene.daemon.stop().exit_code == 0);
    CHECK(scene.daemon.log().find("broken blob") == std::string::npos);
}

TEST_CASE("F35: a daemon killed at any system call of a blob handles it, and leaves no memory: "
          "memory" *
          doctest::test_suite("long")) {
    kill_daemon_at_each_call("durability: memory");
}

TEST_CASE("F35: a daemon killed at any system call of a blob handles it, and leaves no memory: "
          "journal" *
          doctest::test_suite("long")) {
    kill_daemon_at_each_call("durability: journal");
}

TEST_CASE("F35: a system call of a blob that fails for a while is no reason to lose it") {
    Scene scene("durability: memory");
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        for (const auto& [call, error] : std::vector<std::pair<std::string, std::string>>{
                 {"shmat", "ENOMEM"}, {"mremap", "ENOMEM"}}) {
            CAPTURE(call);
            REQUIRE(start_traced(scene.daemon, inject({call, 1}, "error=" + error)).exit_code == 0);
            REQUIRE(scene.send().exit_code == 0);
            CHECK(scene.handled(scene.sent));
            CHECK(scene.ledger.times(scene.sent) == 1);
            CHECK(eventually([] { return myq::SharedMemory::list().empty(); }));
            CHECK(scene.daemon.stop().exit_code == 0);
            CHECK(eventually([] { return daemon_processes().empty(); }));
        }
        scene.daemon.configure({{"ledger"},
                                "durability: journal\nhandlers: [{type: any, plugin: ledger, "
                                "options: {file: /mnt/ledger}}]",
                                "stop_timeout: 1s"});
    }
}

TEST_CASE("F35: no room for the memory: the sender is told, and what is there is handled") {
    Scene scene("receivers: 1");
    REQUIRE(scene.daemon.start().exit_code == 0);
    std::ofstream("/proc/sys/kernel/shmmni") << 2;
    const auto one = myq::SharedMemory::create(myq::QueueKey::private_queue(), 1, 0600);
    const auto two = myq::SharedMemory::create(myq::QueueKey::private_queue(), 1, 0600);
    const Run full = scene.send();
    CHECK(full.exit_code == 73);
    CHECK(full.err.find("kernel.shmmni") != std::string::npos);
    one.remove();
    REQUIRE(scene.send().exit_code == 0);
    CHECK(scene.handled(scene.sent));
    two.remove();
    CHECK(scene.comes_clean());
    CHECK(scene.daemon.stop().exit_code == 0);
}

TEST_CASE("F35: blobs in a storm of SIGKILL: each is handled, at most once more a kill, none is "
          "left") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        const std::size_t messages = scaled(40, 100);
        Scene scene(fmt::format("durability: {}\nreceivers: 4", durability), messages + 10);
        REQUIRE(scene.daemon.start().exit_code == 0);
        std::mt19937 random(seed());
        WorkerWatch watch(scene.daemon);
        std::uint64_t kills = 0;
        while (scene.sent < messages) {
            REQUIRE(scene.send().exit_code == 0);
            // At any moment of its work, which is short.
            const pid_t victim = watch.somebody(random);
            if (victim != 0 && ::kill(victim, SIGKILL) == 0) ++kills;
        }
        std::uint64_t handled = 0;
        CHECK(eventually([&] {
            handled = 0;
            bool all = true;
            for (std::uint64_t i = 1; i <= messages; ++i) {
                handled += scene.ledger.times(i);
                all = all && scene.ledger.times(i) > 0;
            }
            return all;
        }));
        CHECK(kills > 0);
        CHECK(handled <= messages + kills);
        CHECK(scene.comes_clean());
        CHECK(scene.daemon.stop().exit_code == 0);
        CHECK(scene.daemon.log().find("is dead") == std::string::npos);
    }
}

}  // TEST_SUITE("blob")
