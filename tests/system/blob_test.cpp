#include "ipc/blob_janitor.hpp"
#include "ipc/shared_memory.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/ledger.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>

TEST_SUITE("blob") {

using namespace myq::test;

namespace {

// Type 1 is counted, type 7 writes its body to a file, and whatever the ledger wants is done.
DaemonProcess::Setup setup(const std::string& more = {}, const std::string& journal = {}) {
    return {{"ledger", "exec"},
            more + "\nretry: {delay: 10ms, max_delay: 10ms}"
                   "\nhandlers:"
                   "\n  - {type: 1, plugin: ledger, options: {file: /mnt/ledger}}"
                   "\n  - {type: 7, plugin: exec, options: {command: [/bin/sh, -c, "
                   "'cat >/mnt/out/part && mv /mnt/out/part /mnt/out/body']}}",
            {},
            journal};
}

std::string any_bytes(std::size_t size) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        body[i] = static_cast<char>(i * 2654435761U >> 13U);
    return body;
}

struct Scene {
    explicit Scene(const std::string& more = {}, const std::string& journal = {})
        : daemon(setup(more, journal)) {
        std::filesystem::remove_all("/mnt/out");
        std::filesystem::create_directory("/mnt/out");
        std::filesystem::permissions("/mnt/out", std::filesystem::perms::all);
    }

    Run send(const std::string& body, std::vector<std::string> more) const {
        write_file("/mnt/body", body);
        more.insert(more.begin(), {"send", "--file", "/mnt/body"});
        return daemon.myq(more);
    }
    // A message of type 1 for the ledger, with a long body.
    Run send_number(const std::string& number, std::vector<std::string> more = {}) const {
        more.insert(more.begin(), "jobs/1");
        return send(std::string(200'000, '0') + number, more);
    }

    static bool wrote(const std::string& body) {
        return eventually([&] { return read_file("/mnt/out/body") == body; });
    }
    static bool no_segments() {
        return eventually([] { return myq::SharedMemory::list().empty(); });
    }

    DaemonProcess daemon;
    Ledger ledger{"/mnt/ledger", 10};
};

}  // namespace

TEST_CASE("blobs: a file of some megabytes arrives byte for byte, on every kind of queue") {
    for (const char* durability : {"memory", "journal"}) {
        CAPTURE(std::string(durability));
        const Scene scene(fmt::format("durability: {}", durability));
        REQUIRE(scene.daemon.start().exit_code == 0);
        for (const std::size_t size : {std::size_t{8'193}, std::size_t{5'000'001}}) {
            const std::string body = any_bytes(size);
            const Run sent = scene.send(body, {"jobs/7"});
            CHECK_MESSAGE(sent.exit_code == 0, sent.err);
            CHECK(Scene::wrote(body));
            CHECK(Scene::no_segments());
        }
        CHECK(scene.daemon.stop().exit_code == 0);
    }
}

TEST_CASE("blobs: the bundled handlers take a body of some megabytes, or say why not") {
    Scene scene;
    scene.daemon.configure({{"log", "append", "store"},
                            "retry: {attempts: 2, delay: 10ms}\nhandlers:"
                            "\n  - {type: 1, plugin: log}"
                            "\n  - {type: 2, plugin: append, options: {file: /mnt/out/lines}}"
                            "\n  - {type: 3, plugin: store, options: {key: 0x77, size: 8000000}}"
                            "\n  - {type: 4, plugin: store, options: {key: 0x78}}",
                            {}});
    REQUIRE(scene.daemon.start().exit_code == 0);
    std::string body(4'000'000, 'x');
    body.back() = '!';
    for (const char* type : {"1", "2", "3", "4"})
        CHECK(scene.send(body, {fmt::format("jobs/{}", type)}).exit_code == 0);
    CHECK(scene.daemon.logged("log: type 1, 4000000 bytes: " + std::string(256, 'x') +
                              "... and 3999744 more"));
    CHECK(eventually([&] { return read_file("/mnt/out/lines") == body + "\n"; }));
    const std::string read = "$v = @shm_get_var(shm_attach(0x77), 3); echo strlen($v), $v[-1];";
    CHECK(eventually([&] { return run({"php", "-r", read}).out == "4000000!"; }));
    // Who makes the segment larger may have it tried again.
    CHECK(scene.daemon.logged("is dead: 2 attempts; the last one: shared memory 0x00000078: there "
                              "is no room for 4000013 bytes"));
    // Of the variables' own memory there are two segments.
    CHECK(eventually([] { return myq::SharedMemory::list().size() == 2; }));
    CHECK(scene.daemon.stop().exit_code == 0);
}

TEST_CASE("blobs: confirmed, once, later: as any other message") {
    const Scene scene;
    REQUIRE(scene.daemon.start().exit_code == 0);
    const Run sent = scene.send_number("3", {"--confirm", "--timeout", "20s"});
    CHECK_MESSAGE(sent.exit_code == 0, sent.err);
    CHECK(eventually([&] { return scene.ledger.times(3) == 1; }));
    CHECK(scene.send_number("4", {"--unique", "key", "--delay", "1h"}).exit_code == 0);
    const Run duplicate = scene.send_number("5", {"--unique", "key"});
    CHECK(duplicate.exit_code == 75);
    CHECK(duplicate.err.find("the unique key") != std::string::npos);
    CHECK(scene.send_number("6", {"--delay", "300ms"}).exit_code == 0);
    CHECK(eventually([&] { return scene.ledger.times(6) == 1; }));
    CHECK(Scene::no_segments());
    CHECK(scene.ledger.times(5) == 0);
    CHECK(scene.daemon.stop().exit_code == 0);
}

TEST_CASE("blobs: what fails is tried again, what is dead is shown whole and retried") {
    const Scene scene;
    REQUIRE(scene.daemon.start().exit_code == 0);
    CHECK(scene.send_number("3:flaky").exit_code == 0);
    CHECK(eventually([&] { return scene.ledger.times(3) == 2; }));
    CHECK(scene.send_number("4:reject").exit_code == 0);
    CHECK(eventually([&] { return scene.ledger.times(4) == 1; }));
    CHECK(Scene::no_segments());
    nlohmann::json dead;
    REQUIRE(eventually([&] {
        dead =
            nlohmann::json::parse(scene.daemon.myq({"dead", "list", "--json"}).out, nullptr, false);
        return !dead.is_discarded();
    }));
    const std::string number = std::to_string(dead.at("number").get<int>());
    const std::string body = std::string(200'000, '0') + "4:reject";
    CHECK(scene.daemon.myq({"dead", "show", "--raw", number}).out == body);
    CHECK(scene.daemon.myq({"dead", "retry", number}).exit_code == 0);
    CHECK(eventually([&] { return scene.ledger.times(4) == 2; }));
    CHECK(scene.daemon.stop().exit_code == 0);
}

TEST_CASE("blobs: what a body crashes is dead after its attempts, and nothing is lost or leaks") {
    const Scene scene("receivers: 2");
    REQUIRE(scene.daemon.start().exit_code == 0);
    CHECK(scene.send_number("3:crash").exit_code == 0);
    CHECK(scene.send_number("4").exit_code == 0);
    CHECK(scene.daemon.logged("is dead: 5 attempts; the last one: killed by SIGSEGV"));
    CHECK(eventually([&] { return scene.ledger.times(4) == 1; }));
    CHECK(scene.ledger.times(3) == 5);
    CHECK(Scene::no_segments());
    CHECK(scene.daemon.stop().exit_code == 0);
}

TEST_CASE("blobs: a stop that drains keeps the body, and the next start handles it") {
    const Scene scene("drain: true");
    REQUIRE(scene.daemon.start().exit_code == 0);
    CHECK(scene.send_number("3:sleep=1000").exit_code == 0);
    CHECK(eventually([&] { return scene.ledger.times(3) == 1; }));
    CHECK(scene.send_number("4").exit_code == 0);
    CHECK(scene.daemon.stop().exit_code == 0);
    CHECK(Scene::no_segments());
    REQUIRE(scene.daemon.start().exit_code == 0);
    CHECK(eventually([&] { return scene.ledger.times(4) == 1; }));
    CHECK(scene.daemon.stop().exit_code == 0);
}

TEST_CASE("blobs: a journal that is full refuses who asks, and keeps the others until there is "
          "room") {
    const Scene scene("durability: journal", "max_size: 1MiB");
    REQUIRE(scene.daemon.start().exit_code == 0);
    const auto send = [&](std::vector<std::string> more) {
        return scene.send_number("3:reject", std::move(more));
    };
    Run sent = send({"--confirm"});
    for (int i = 0; i < 10 && sent.exit_code == 0; ++i)
        sent = send({"--confirm"});
    CHECK(sent.exit_code == 75);
    CHECK(sent.err.find("the journal or its disk is full") != std::string::npos);
    CHECK(
        eventually([&] { return myq::SharedMemory::list().empty() && scene.ledger.times(3) > 0; }));
    const std::uint64_t before = scene.ledger.times(3);
    CHECK(send({}).exit_code == 0);
    CHECK(scene.daemon.logged("messages are kept where they are until it works again"));
    CHECK(eventually([&] {
        scene.daemon.myq({"dead", "drop", "--all"});
        return scene.ledger.times(3) == before + 1;
    }));
    CHECK(Scene::no_segments());
    CHECK(scene.daemon.stop().exit_code == 0);
}

TEST_CASE("blobs: JSON and what PHP serialized are decoded, however long they are") {
    const DaemonProcess daemon({{"append"},
                                "\nhandlers:"
                                "\n  - {type: 1, plugin: append, format: php, options: {file: "
                                "/mnt/appended}}"
                                "\n  - {type: 2, plugin: append, format: json, options: {file: "
                                "/mnt/appended}}",
                                {}});
    std::filesystem::remove("/mnt/appended");
    REQUIRE(daemon.start().exit_code == 0);
    const std::string text(300'000, 'x');
    write_file("/mnt/body", "{\"key\":\"" + text + "\"}");
    CHECK(daemon.myq({"send", "jobs/1", "--php", "--file", "/mnt/body"}).exit_code == 0);
    const std::string line = read_file("/mnt/body") + "\n";
    CHECK(eventually([&] { return read_file("/mnt/appended") == line; }));
    CHECK(daemon.myq({"send", "jobs/2", "--file", "/mnt/body"}).exit_code == 0);
    CHECK(eventually([&] { return read_file("/mnt/appended") == line + line; }));
    write_file("/mnt/body", text);
    CHECK(daemon.myq({"send", "jobs/2", "--file", "/mnt/body"}).exit_code == 0);
    CHECK(daemon.logged("message of type 2, 300000 bytes is dead: its body is not JSON"));
    CHECK(Scene::no_segments());
    CHECK(daemon.stop().exit_code == 0);
}

TEST_CASE("blobs: what killed senders and a removed queue left behind is freed") {
    const Scene scene;
    REQUIRE(scene.daemon.start().exit_code == 0);
    REQUIRE(scene.daemon.stop().exit_code == 0);
    REQUIRE(scene.send_number("3").exit_code == 0);
    CHECK(myq::SharedMemory::list().size() == 1);
    SUBCASE("at the start") {
        scene.daemon.queue().remove();
        REQUIRE(scene.daemon.start().exit_code == 0);
        CHECK(scene.daemon.logged("freed the shared memory of 1 body without a message"));
    }
    SUBCASE("at work") {
        // The message is taken by somebody who does not know what a blob is.
        REQUIRE(scene.daemon.queue().receive(8192, myq::Selector::any(), myq::Wait::no));
        const myq::UnattachedBlob blob = myq::unattached_blobs(950).at(0);
        const auto segment = myq::SharedMemory::from_id(blob.segment_id);
        std::optional held(segment.attach(myq::Access::read_only));
        REQUIRE(scene.daemon.start().exit_code == 0);
        CHECK(!myq::SharedMemory::list().empty());
        held.reset();
        // As if it had been seen without a message a while ago.
        myq::remove_unreferenced(blob, 950, std::chrono::nanoseconds{1}, std::chrono::hours{1});
        CHECK(scene.daemon.reload().exit_code == 0);
    }
    CHECK(Scene::no_segments());
    CHECK(scene.daemon.stop().exit_code == 0);
    CHECK(scene.ledger.times(3) == 0);
}

}  // TEST_SUITE("blob")
