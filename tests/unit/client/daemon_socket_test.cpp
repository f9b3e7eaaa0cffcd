#include "client/daemon_socket.hpp"
#include "client/failure.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <thread>

TEST_SUITE("daemon_socket") {

using namespace myq;

namespace {

// Listens as a daemon does, and hangs up on so many callers; then it is gone.
class Rude {
public:
    explicit Rude(const std::filesystem::path& run_dir, int callers)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        daemon_socket(run_dir).native().copy(static_cast<char*>(address.sun_path),
                                             sizeof address.sun_path - 1);
        const auto* at = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: its only way
        REQUIRE(::bind(socket_, at, sizeof address) == 0);
        REQUIRE(::listen(socket_, 8) == 0);
        test::write_file(run_dir / "myqd.pid", std::to_string(::getpid()));
        thread_ = std::thread([this, callers] {
            for (int left = callers; left > 0; --left)
                hang_up(left == 1);
        });
    }
    ~Rude() { thread_.join(); }
    Rude(const Rude&) = delete;
    Rude& operator=(const Rude&) = delete;

private:
    // With the question unread, so that the caller sees a reset and not an end.
    void hang_up(bool for_good) const {
        const int caller = ::accept(socket_, nullptr, nullptr);
        pollfd question{caller, POLLIN, 0};
        ::poll(&question, 1, -1);
        if (for_good) ::close(socket_);
        ::close(caller);
    }

    int socket_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("a daemon that ends while it is asked is one that nobody can ask") {
    const test::TempDir dir;
    const Rude daemon(dir.path(), 1);
    CHECK(!ask_daemon(dir.path(), "status\n"));
}

TEST_CASE("a daemon that hangs up again and again is no daemon that ended") {
    const test::TempDir dir;
    const Rude daemon(dir.path(), 3);
    std::string text;
    try {
        ask_daemon(dir.path(), "status\n");
    } catch (const Failure& failure) {
        text = failure.what();
    }
    CHECK(text.ends_with("/control: the daemon hangs up in place of an answer: see its log"));
}

TEST_CASE("who listens in a daemon's place is not asked") {
    const test::TempDir dir;
    const Rude impostor(dir.path(), 0);
    test::write_file(dir.path() / "myqd.pid", "1\n");
    CHECK_THROWS_WITH_AS(ask_daemon(dir.path(), "status\n"),
                         doctest::Contains("is not the daemon, process 1 of uid"), Failure);
}

TEST_CASE("where no daemon was there is nobody to ask") {
    const test::TempDir dir;
    CHECK(!ask_daemon(dir.path(), "status\n"));
}

}  // TEST_SUITE("daemon_socket")
