// myq doctor, of what only a daemon can tell. More is in tests/system, with a real one.
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/control_socket.hpp"
#include "tests/unit/client/status_json.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("doctor") {

using namespace myq::test;

namespace {

// What it says of a daemon that answers so.
std::string said_of(const std::string& status) {
    const TestConfig config;
    const ControlSocket daemon("/run/myq");
    ClientProcess client({"doctor"});
    daemon.answer(status);
    const std::string said = client.wait().out;
    std::filesystem::remove("/run/myq/control");
    return said;
}

std::string with(const std::string& text, const std::string& other) {
    std::string status = status_answer;
    status.replace(status.find(text), text.size(), other);
    return status;
}

}  // namespace

TEST_CASE("doctor: a queue whose workers have all ended") {
    const std::string ended = "none of its workers lives";
    CHECK(said_of(status_answer).find(ended) == std::string::npos);
    const std::string said = said_of(with("\"pid\":4714", "\"pid\":-1"));
    CHECK_MESSAGE(said.find("error    queue mails: none of its workers lives (1 intake): each "
                            "ended, and the next comes after a pause") != std::string::npos,
                  said);
    CHECK(said.find("queue jobs: " + ended) == std::string::npos);
}

TEST_CASE("doctor: a reload that was refused") {
    CHECK(said_of(status_answer).find("reload:") == std::string::npos);
    const std::string said =
        said_of(with("\"reload\":null",
                     "\"reload\":{\"at_ms\":1714557600000,\"refused\":\"no such \\u001bplugin\"}"));
    CHECK_MESSAGE(said.find("warning  reload: the last one was refused, and the configuration of "
                            "before stays: no such \\x1bplugin") != std::string::npos,
                  said);
}

}  // TEST_SUITE("doctor")
