#include "daemon/control_socket.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/connection.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

TEST_SUITE("control_socket") {

using namespace myq;
using namespace myq::test;

namespace {

bool is_readable(int fd) {
    pollfd readable{fd, POLLIN, 0};
    return ::poll(&readable, 1, 0) == 1;
}

ControlSocket::Caller caller_of(const ControlSocket& socket) {
    auto caller = socket.accept();
    if (!caller) throw std::runtime_error("nobody has connected");
    return std::move(*caller);
}

}  // namespace

TEST_CASE("the answer is all until the end") {
    const RunDir dir;
    const ControlSocket socket(dir / "control");
    CHECK(!is_readable(socket.fd()));
    CHECK(!socket.accept());  // waits for nobody
    const Fd client = connect_to(dir / "control");
    REQUIRE(client);
    CHECK(is_readable(socket.fd()));
    {
        const ControlSocket::Caller caller = caller_of(socket);
        CHECK(!socket.accept());
        CHECK(caller.uid == ::geteuid());
        ControlSocket::write(caller, "fine\nand well\n");
    }
    CHECK(all_from(client) == "fine\nand well\n");
}

TEST_CASE("everybody may ask, and is known by uid") {
    const RunDir dir;
    const ControlSocket socket(dir / "control");
    CHECK(as_nobody([&] {
              const Fd client = connect_to(dir / "control");
              return client ? 0 : 1;
          }) == 0);
    CHECK(caller_of(socket).uid == 65534);
}

TEST_CASE("a socket is for everybody whatever the umask, and made anew over an old one") {
    const RunDir dir;
    const mode_t before = ::umask(077);
    SUBCASE("where nothing is") {}
    SUBCASE("where a daemon was killed") {
        { const ControlSocket killed(dir / "control"); }
        REQUIRE(std::filesystem::exists(dir / "control"));
    }
    SUBCASE("where a file is") {
        write_file(dir / "control", "x");
    }
    SUBCASE("where a link is, without following it") {
        write_file(dir / "victim", "mine");
        std::filesystem::create_symlink(dir / "victim", dir / "control");
    }
    const ControlSocket socket(dir / "control");
    ::umask(before);
    struct stat st {};
    REQUIRE(::lstat((dir / "control").c_str(), &st) == 0);
    CHECK(S_ISSOCK(st.st_mode));
    CHECK((st.st_mode & 0777) == 0666);
    CHECK(connect_to(dir / "control"));
    if (std::filesystem::exists(dir / "victim")) CHECK(read_file(dir / "victim") == "mine");
}

TEST_CASE("a place where no socket can be is refused with what to do") {
    const RunDir dir;
    const std::string deep(120, 'd');
    CHECK_THROWS_WITH_AS(ControlSocket(dir / deep),
                         doctest::Contains("choose a shorter daemon.run_dir"), std::system_error);
    const std::string sentence = "cannot make the socket " + (dir / "no/where").string();
    CHECK_THROWS_WITH_AS(ControlSocket(dir / "no/where"), doctest::Contains(sentence.c_str()),
                         std::system_error);
}

TEST_CASE("a caller who has left ends nobody") {
    const RunDir dir;
    const ControlSocket socket(dir / "control");
    { const Fd client = connect_to(dir / "control"); }
    const ControlSocket::Caller caller = caller_of(socket);
    ControlSocket::write(caller, "to nobody");  // and SIGPIPE ends nobody
}

TEST_CASE("a long answer arrives whole, whatever the pace of its reader") {
    const RunDir dir;
    const ControlSocket socket(dir / "control");
    std::string answer;
    for (int i = 0; answer.size() < 4'000'000; ++i)
        answer += std::to_string(i) + '\n';
    Lines lines;
    const pid_t reader = myq::test::fork_child([&] {
        const Fd client = connect_to(dir / "control");
        lines.wait_for("read");
        return all_from(client) == answer ? 0 : 1;
    });
    pollfd asked{socket.fd(), POLLIN, 0};
    REQUIRE(::poll(&asked, 1, 30'000) == 1);
    {
        const ControlSocket::Caller caller = caller_of(socket);
        lines.say("read");
        ControlSocket::write(caller, answer);
    }
    CHECK(myq::test::wait_for(reader) == 0);
}

}  // TEST_SUITE("control_socket")
