#include "daemon/control_callers.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/connection.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

TEST_SUITE("control_callers") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr uid_t service = 950;

// A desk whose clerks are numbers, and end when the test says so.
struct Desk {
    void look() {
        // One look hears everybody of a few, and takes one newcomer.
        for (pollfd readable{callers.fd(), POLLIN, 0}; ::poll(&readable, 1, 0) == 1;) {
            callers.look([&](ControlSocket::Caller& caller, const std::string& question) {
                if (question == "keep") {
                    kept.push_back(std::move(caller));
                    return 0;
                }
                served.push_back(caller.uid);
                questions.push_back(question);
                return is_broken ? 0 : ++clerk;
            });
        }
    }

    Fd caller(uid_t user, std::string_view said = {}) {
        REQUIRE(::seteuid(user) == 0);
        Fd connection = connect_to(dir / "control");
        REQUIRE(::seteuid(0) == 0);
        REQUIRE(connection);
        if (!said.empty()) say(connection, said);
        look();
        return connection;
    }

    RunDir dir;
    ControlSocket socket{dir / "control"};
    ControlCallers callers{socket, service};
    std::vector<ControlSocket::Caller> kept;
    std::vector<uid_t> served;
    std::vector<std::string> questions;
    pid_t clerk = 0;
    bool is_broken = false;
};

bool is_hung_up(const Fd& connection) {
    char byte = 0;
    return ::recv(connection.value(), &byte, 1, MSG_DONTWAIT) == 0;
}

}  // namespace

TEST_CASE("a question is a line, and served when it is whole") {
    Desk desk;
    const Fd client = desk.caller(0, "sta");
    CHECK(desk.served.empty());
    say(client, "tus\nmore\n");
    desk.look();
    CHECK(desk.questions == std::vector<std::string>{"status"});
    CHECK(!is_hung_up(client));
    desk.callers.ended(desk.clerk);
    CHECK(is_hung_up(client));
}

TEST_CASE("who stops in the middle of the line said what they said") {
    Desk desk;
    std::string said;
    std::vector<std::string> heard;
    SUBCASE("nothing") {}
    SUBCASE("half a word") {
        said = "stat";
        heard = {"stat"};
    }
    SUBCASE("far too much") {
        said = std::string(10'000, 'x');
        heard = {std::string(256, 'x')};
    }
    { const Fd client = desk.caller(65534, said); }
    desk.look();
    CHECK(desk.questions == heard);
}

TEST_CASE("one who says nothing, however often, keeps neither others nor themselves out") {
    Desk desk;
    std::vector<Fd> silent;
    for (int i = 0; i < 100; ++i)
        silent.push_back(desk.caller(65534));
    CHECK(is_hung_up(silent.front()));
    CHECK(!is_hung_up(silent.back()));
    const Fd root = desk.caller(0, "status\n");
    const Fd ours = desk.caller(service, "status\n");
    const Fd same = desk.caller(65534, "status\n");
    CHECK(desk.served == std::vector<uid_t>{0, service, 65534});
}

TEST_CASE("a user has two places, strangers have six, and the next are served after them") {
    Desk desk;
    std::vector<Fd> callers;
    for (uid_t user = 1001; user <= 1004; ++user) {
        for (int i = 0; i < 3; ++i)
            callers.push_back(desk.caller(user, "status\n"));
    }
    CHECK(desk.served == std::vector<uid_t>{1001, 1001, 1002, 1002, 1003, 1003});
    const Fd root = desk.caller(0, "status\n");
    const Fd ours = desk.caller(service, "status\n");
    CHECK(desk.served.size() == 8);
    desk.served.clear();
    desk.callers.ended(1);  // of 1001
    desk.look();
    CHECK(desk.served == std::vector<uid_t>{1001});
    desk.callers.ended(3);  // of 1002
    desk.look();
    CHECK(desk.served == std::vector<uid_t>{1001, 1002});
    callers.erase(callers.begin() + 8);  // 1003's third does not wait any more
    desk.look();
    desk.callers.ended(5);  // of 1003
    desk.look();
    CHECK(desk.served == std::vector<uid_t>{1001, 1002, 1004});
}

TEST_CASE("who cannot be served is told so") {
    Desk desk;
    desk.is_broken = true;
    const Fd client = desk.caller(0, "status\n");
    CHECK(is_hung_up(client));
}

TEST_CASE("a caller who is taken over is not hung up on, and takes up no place") {
    Desk desk;
    std::vector<Fd> kept;
    for (int i = 0; i < 10; ++i)
        kept.push_back(desk.caller(0, "keep\n"));
    CHECK(desk.kept.size() == 10);
    for (const Fd& one : kept)
        CHECK(!is_hung_up(one));
    desk.caller(0, "status\n");
    CHECK(desk.served == std::vector<uid_t>{0});
}

}  // TEST_SUITE("control_callers")
