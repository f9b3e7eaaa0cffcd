#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <signal.h>

#include <algorithm>

TEST_SUITE("reload") {

using namespace myq::test;

namespace {

DaemonProcess::Setup workers(int count) {
    return {
        {"log"}, fmt::format("receivers: {}\nhandlers: [{{type: any, plugin: log}}]", count), {}};
}

// New code comes with a reload only.
DaemonProcess::Setup unwatched(int count) {
    DaemonProcess::Setup setup = workers(count);
    setup.directory = "watch: false";
    return setup;
}

// Asks for a reload and waits until the workers of before have left: until then they may take a
// message as well.
void reload_fully(const DaemonProcess& daemon) {
    const auto before = daemon.workers();
    REQUIRE(daemon.reload().exit_code == 0);
    REQUIRE(eventually([&] {
        const auto now = daemon.workers();
        return now.size() == before.size() && std::none_of(now.begin(), now.end(), [&](pid_t pid) {
                   return std::find(before.begin(), before.end(), pid) != before.end();
               });
    }));
}

}  // namespace

TEST_CASE("reload: the new configuration holds, with new workers") {
    DaemonProcess daemon(workers(1));
    REQUIRE(daemon.start().exit_code == 0);
    const auto before = daemon.workers();
    daemon.configure(workers(3));
    REQUIRE(daemon.reload().exit_code == 0);
    REQUIRE(daemon.logged("reloaded: 3 workers"));
    CHECK(eventually([&] { return daemon.workers().size() == 3; }));
    for (const pid_t pid : daemon.workers())
        CHECK(pid != before.at(0));
    daemon.send(1, "hello again");
    CHECK(daemon.logged("hello again"));
}

TEST_CASE("reload: the queue's mode changes, and a further queue is made and served") {
    DaemonProcess daemon(workers(1));
    REQUIRE(daemon.start().exit_code == 0);
    daemon.configure({{}, "mode: \"0600\"\nhandlers: [{type: any, plugin: log}]", {}});
    write_file(daemon.config_file(), read_file(daemon.config_file()) +
                                         "  - name: more\n    key: 0x6d797102\n"
                                         "    handlers: [{type: any, plugin: log}]\n");
    REQUIRE(daemon.reload().exit_code == 0);
    REQUIRE(daemon.logged("reloaded: 2 workers"));
    CHECK(daemon.queue().stat().mode == 0600);
    const auto more = myq::MessageQueue::open(myq::QueueKey::from_text("0x6d797102"));
    const std::string_view body = "to the other one";
    CHECK(more.send(3, std::as_bytes(std::span(body))) == myq::SendStatus::sent);
    CHECK(daemon.logged("type 3, 16 bytes: to the other one"));
}

TEST_CASE("reload: a broken configuration is refused with its line, and the old one stays") {
    DaemonProcess daemon(workers(2));
    REQUIRE(daemon.start().exit_code == 0);
    const auto before = daemon.workers();
    write_file(daemon.config_file(), read_file(daemon.config_file()) + "nonsense: 1\n");
    const Run reload = daemon.reload();
    CHECK(reload.exit_code == 6);
    CHECK(reload.err.find("nonsense") != std::string::npos);
    SUBCASE("also when the signal comes without asking") {
        daemon.signal(SIGHUP);
        CHECK(daemon.logged("the old configuration stays"));
    }
    daemon.send(1, "still here");
    CHECK(daemon.logged("still here"));
    CHECK(daemon.workers() == before);
}

TEST_CASE("reload: when nothing runs there is nothing to reload") {
    const DaemonProcess daemon(workers(1));
    CHECK(daemon.reload().exit_code == 7);
}

TEST_CASE("reload: a handler that cannot start leaves the old workers at work") {
    DaemonProcess daemon(workers(1));
    REQUIRE(daemon.start().exit_code == 0);
    const auto before = daemon.workers();
    daemon.configure({{"throws_in_start"}, "handlers: [{type: any, plugin: throws_in_start}]", {}});
    const Run reload = daemon.reload();
    CHECK(reload.exit_code == 1);
    CHECK_MESSAGE(reload.err.find("reload: refused, the old configuration stays: queue jobs: ") !=
                      std::string::npos,
                  reload.err);
    CHECK_MESSAGE(reload.err.find("the database is on holiday") != std::string::npos, reload.err);
    // Whoever comes later hears of it too, until another one ends well.
    const std::string refused = "was refused, the configuration of before stays: queue jobs: ";
    const std::string status = daemon.myq({"status"}).out;
    CHECK_MESSAGE(status.find(refused) != std::string::npos, status);
    const std::string doctor = daemon.myq({"doctor"}).out;
    CHECK_MESSAGE(doctor.find("the last one was refused") != std::string::npos, doctor);
    CHECK(daemon.logged("reload failed: queue jobs: "));
    CHECK(daemon.logged("the database is on holiday"));
    daemon.send(1, "still here");
    CHECK(daemon.logged("still here"));
    CHECK(eventually([&] { return daemon.workers() == before; }));
}

TEST_CASE("reload: when the command returns, every message is for the new configuration") {
    DaemonProcess daemon(workers(4));
    REQUIRE(daemon.start().exit_code == 0);
    for (int i = 0; i < 20; ++i) {
        const std::string name = fmt::format("name{}", i);
        daemon.configure(
            {{"log"},
             fmt::format("receivers: 4\nhandlers: [{{type: {}, name: {}, plugin: log}}]", 100 + i,
                         name),
             {}});
        const Run reload = daemon.reload();
        REQUIRE_MESSAGE(reload.exit_code == 0, reload.err);
        CHECK(reload.err.empty());
        daemon.send(100 + i, "to " + name);
    }
    CHECK(daemon.logged("to name19"));
    CHECK_MESSAGE(daemon.log().find("is dead") == std::string::npos, daemon.log());
}

TEST_CASE("reload: what the daemon cannot do is what the command says") {
    DaemonProcess daemon(workers(1));
    REQUIRE(daemon.start().exit_code == 0);
    write_file(daemon.config_file(), read_file(daemon.config_file()) +
                                         "  - name: more\n    key: 0x6d797103\n"
                                         "    handlers: [{type: any, plugin: log}]\n");
    const auto foreign = myq::MessageQueue::create(myq::QueueKey::from_text("0x6d797103"), 0600);
    myq::QueueSettings settings;
    settings.uid = 0;
    foreign.set(settings);
    const Run reload = daemon.reload();
    CHECK_MESSAGE(reload.exit_code != 0, reload.err);
    CHECK_MESSAGE(reload.err.find("refused, the old configuration stays: ") != std::string::npos,
                  reload.err);
    foreign.remove();
    CHECK(daemon.reload().exit_code == 0);
    CHECK(daemon.myq({"status"}).out.find("refused, the configuration") == std::string::npos);
}

TEST_CASE("reload: a plugin that names its types is routed when its file has appeared") {
    DaemonProcess daemon(unwatched(1));
    REQUIRE(daemon.start().exit_code == 0);
    daemon.add_plugin("auto_42");
    reload_fully(daemon);
    daemon.send(42, "the answer");
    CHECK(daemon.logged("auto_42: "));
    SUBCASE("a second one that wants the same type is refused, with both names") {
        daemon.add_plugin("auto_42_too", "aaa");
        REQUIRE(daemon.reload().exit_code == 0);
        CHECK(daemon.logged("aaa.so: type 42 of queue jobs is already handled by plugin auto_42"));
    }
    SUBCASE("a file that is no plugin is refused with its reason, and harms nothing") {
        daemon.add_plugin("wrong_abi");
        daemon.add_plugin("crashes_in_constructor");
        reload_fully(daemon);
        CHECK(daemon.logged("wrong_abi.so: is built for plugin ABI 99.0"));
        CHECK(daemon.logged(
            "crashes_in_constructor.so: ended the process that loaded it (killed by SIGSEGV)"));
        CHECK(daemon.logged("reloaded", 2));
        daemon.send(42, "again");
        CHECK(daemon.logged("auto_42: ", 2));
    }
}

TEST_CASE(
    "reload: a cp over a live plugin crashes nobody, and the new code comes with the reload") {
    DaemonProcess daemon(unwatched(1));
    REQUIRE(daemon.start().exit_code == 0);
    const auto before = daemon.workers();
    const auto live = daemon.plugin_dir() / "log.so";
    REQUIRE(run({"cp", "/dev/null", live}).exit_code == 0);
    daemon.send(1, "old code");
    CHECK(daemon.logged("old code"));
    CHECK(daemon.workers() == before);
    const Run reload = daemon.reload();
    CHECK(reload.exit_code == 0);
    CHECK_MESSAGE(reload.err.find("log.so: is not a shared object") != std::string::npos,
                  reload.err);
    CHECK(daemon.logged("reloaded"));
    CHECK(daemon.logged("log.so: is not a shared object"));
    CHECK(daemon.logged("; its code of before stays"));
    daemon.send(1, "old code again");
    CHECK(daemon.logged("old code again"));
    daemon.add_plugin("log");
    CHECK(daemon.reload().exit_code == 0);
    CHECK(daemon.logged("reloaded", 2));
    daemon.send(1, "new code");
    CHECK(daemon.logged("new code"));
}

}  // TEST_SUITE("reload")
