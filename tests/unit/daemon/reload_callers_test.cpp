#include "daemon/reload_callers.hpp"
#include "tests/unit/daemon/connection.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <array>
#include <string>

TEST_SUITE("reload_callers") {

using namespace myq;
using namespace myq::test;

namespace {

// "" while nothing has come and nobody has hung up.
std::string answer_to(const Fd& connection) {
    std::array<char, 4096> part{};
    std::string answer;
    ssize_t size = 0;
    while ((size = ::recv(connection.value(), part.data(), part.size(), MSG_DONTWAIT)) > 0)
        answer.append(part.data(), static_cast<std::size_t>(size));
    return size == 0 ? answer + "end" : answer;
}

struct Desk {
    Fd ask() {
        Fd connection = connect_to(dir / "control");
        REQUIRE(connection);
        auto caller = socket.accept();
        REQUIRE(caller);
        taken = callers.take(*caller);
        return connection;
    }

    RunDir dir;
    ControlSocket socket{dir / "control"};
    ReloadCallers callers;
    bool taken = false;
};

}  // namespace

TEST_CASE("whoever asks is told of the reload that began after that") {
    Desk desk;
    CHECK(!desk.callers.last());
    const Fd early = desk.ask();
    desk.callers.begins();
    const Fd late = desk.ask();
    CHECK(answer_to(early) == "");
    desk.callers.ended("why \x1b");
    CHECK(answer_to(early) == "{\"refused\":\"why \\u001b\"}\nend");
    CHECK(answer_to(late) == "");
    CHECK(desk.callers.last()->refusal == "why \x1b");
    desk.callers.begins();
    desk.callers.ended("");
    CHECK(answer_to(late) == "{\"refused\":\"\"}\nend");
    CHECK(desk.callers.last()->refusal == "");
    CHECK(desk.callers.last()->at_ms > 0);
}

TEST_CASE("one who has left, and one too many, harm nobody") {
    Desk desk;
    { const Fd leaves = desk.ask(); }
    std::vector<Fd> others;
    while (others.push_back(desk.ask()), desk.taken)
        REQUIRE(others.size() < 100);
    CHECK(answer_to(others.back()) == "end");
    desk.callers.begins();
    desk.callers.ended("");
    CHECK(answer_to(others.front()) == "{\"refused\":\"\"}\nend");
    desk.ask();
    CHECK(desk.taken);
}

}  // TEST_SUITE("reload_callers")
