// Whole PHP programs and a whole daemon on the same queues, semaphores and shared memory.
#include "tests/support/daemon_process.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/msg.h>

#include <random>
#include <string>

TEST_SUITE("php_programs") {

using namespace myq::test;

namespace fs = std::filesystem;

namespace {

// A copy of a program where every user may read it.
std::string program(const std::string& name) {
    const std::string copy = "/mnt/" + name;
    write_file(copy, read_file(fs::path(PHP_PROGRAMS) / name));
    return copy;
}

void replace(std::string& text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    text.replace(at, what.size(), with);
}

std::string php(const std::vector<std::string>& words) {
    std::vector<std::string> command{"php"};
    command.insert(command.end(), words.begin(), words.end());
    const Run run = myq::test::run(command);
    CHECK_MESSAGE(run.exit_code == 0, run.out, run.err);
    return run.out;
}

std::string some_megabytes() {
    std::mt19937_64 random(4711);
    std::string bytes;
    while (bytes.size() < 3'000'000) {
        const std::uint64_t word = random();
        bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
    }
    return bytes;
}

}  // namespace

TEST_CASE(
    "PHP programs: three types, ftok, serialized bodies, and a picture through shared memory") {
    const std::string picture_php = program("picture.php");
    DaemonProcess daemon(
        {{"log", "exec"},
         fmt::format("handlers:\n"
                     "  - {{type: 1, name: text, plugin: log, format: php}}\n"
                     "  - {{type: 2, name: array, plugin: log, format: php}}\n"
                     "  - {{type: 3, name: picture, plugin: exec, format: php,\n"
                     "     options: {{command: [/usr/bin/php, {}, get, /mnt/received]}}}}\n",
                     picture_php),
         {}});
    std::string config = read_file(daemon.config_file());
    replace(config, "key: 0x6d797101", fmt::format("key: {{path: {}, project: A}}", picture_php));
    write_file(daemon.config_file(), config);
    REQUIRE(daemon.start().exit_code == 0);
    const std::string picture = some_megabytes();
    write_file("/mnt/picture", picture);

    php({picture_php, "put", "0x1234", "/mnt/picture"});
    REQUIRE(daemon.myq({"shm", "has", "0x1234", "1", "--lock", "0x1234"}).exit_code == 0);
    CHECK(daemon.logged("type 1 (text), 6 bytes: a text"));
    CHECK(daemon.logged(R"(type 2 (array), 27 bytes: {"an":"array","of":[3,4.5]})"));
    CHECK(eventually([&] { return fs::exists("/mnt/received"); }));
    CHECK(read_file("/mnt/received") == picture);

    // And the client reads what PHP put, and PHP what the client put.
    CHECK(daemon.myq({"shm", "get", "0x1234", "1", "--string"}).out == picture);
    REQUIRE(daemon
                .myq({"shm", "put", "0x1234", "2", "--php", R"({"from":["myq",1]})", "--lock",
                      "0x1234"})
                .exit_code == 0);
    CHECK(php({"-r", "$s = sem_get(0x1234); sem_acquire($s);"
                     "echo json_encode(shm_get_var(shm_attach(0x1234), 2));"}) ==
          R"({"from":["myq",1]})");
}

TEST_CASE("PHP programs: a class around one queue and the daemon exchange messages on it") {
    const DaemonProcess daemon({{"log"},
                                "receivers: [{types: 9}]\n"
                                "handlers: [{type: 9, name: job, plugin: log}]\n",
                                {}});
    REQUIRE(daemon.start().exit_code == 0);
    const std::string use =
        fmt::format("require '{}'; $q = new IpcMessageQueue(0x6d797101, {{}}); ",
                    program("ipc_message_queue.php"));
    const std::string to_daemon = fmt::format(fmt::runtime(use), 9);
    const std::string from_client = fmt::format(fmt::runtime(use), 10);
    CHECK(php({"-r", to_daemon + "echo $q->sendMessage(str_repeat('x', 3000));"}) == "0");
    CHECK(daemon.logged("type 9 (job), 3000 bytes: xxx"));
    REQUIRE(daemon.myq({"send", "jobs/10", "from the client"}).exit_code == 0);
    CHECK(php({"-r", from_client + "$q->processMessage(function ($type, $text) {"
                                   "echo \"$type: $text\"; });"}) == "10: from the client");
    // What does not fit is an errno, and no message.
    CHECK(php({"-r", to_daemon + "echo @$q->sendMessage(str_repeat('x', 100000));"}) ==
          std::to_string(EINVAL));
    CHECK(daemon.stop().exit_code == 0);
    CHECK(daemon.log().find("is dead") == std::string::npos);
}

}  // TEST_SUITE("php_programs")
