#include "daemon/hygiene.hpp"
#include "daemon/unix/signals.hpp"
#include "tests/support/run.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/test_log.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <string>
#include <vector>

TEST_SUITE("hygiene") {

using namespace myq;
using namespace myq::test;

namespace {

mode_t current_umask() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return mask;
}

// The test's own umask comes back whatever happens.
struct Umask {
    Umask() : before(::umask(027)) {}
    ~Umask() { ::umask(before); }
    mode_t before;
};

}  // namespace

TEST_CASE("what a handler changed is put back, and its plugin is named once") {
    const Umask umask_of_the_test;
    const KeptLog log;
    Hygiene hygiene;
    // At most so often: message after message, until it is its turn.
    const auto clean = [&](const char* plugin) {
        return eventually([&] {
            hygiene.after_message(plugin);
            return current_umask() == 027;
        });
    };
    for (int i = 0; i < 3; ++i) {
        ::umask(0);
        REQUIRE(clean("sloppy"));
    }
    ::umask(0);
    REQUIRE(clean("another"));
    CHECK(log.text() == "warning: plugin sloppy changes the worker's umask; it is put back after "
                        "its messages\n"
                        "warning: plugin another changes the worker's umask; it is put back after "
                        "its messages\n");
}

TEST_CASE("a tidy plugin is not spoken of") {
    const KeptLog log;
    Hygiene hygiene;
    for (int i = 0; i < 100'000; ++i)
        hygiene.after_message("tidy");
    CHECK(log.text().empty());
}

TEST_CASE("a worker whose descriptors become more and more says so, and again when they doubled") {
    const KeptLog log;
    Hygiene hygiene;
    hygiene.after_message("leaky");  // so many are usual
    std::vector<Fd> leaked;
    const auto leak = [&](int count) {
        for (int i = 0; i < count; ++i)
            leaked.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    };
    const auto warned = [&](int times) {
        return eventually([&] {
            hygiene.after_message("leaky");
            return log.count("descriptors are open in this worker") == times;
        });
    };
    const std::size_t usual = open_descriptors();
    leak(200);
    REQUIRE(warned(1));
    CHECK(log.count("warning: " + std::to_string(usual + 200) +
                    " descriptors are open in this worker, " + std::to_string(usual) +
                    " when it began: a plugin leaks them, perhaps leaky; see recycle: in "
                    "myq.yaml(5)") == 1);
    leak(600);
    REQUIRE(warned(2));
}

TEST_CASE(
    "a worker whose standard descriptors a handler has closed, or made something else, leaves") {
    const auto leaves_after = [](const auto& harm) {
        return in_child([&] {
            const KeptLog log;
            Hygiene hygiene;
            hygiene.after_message("tidy");
            if (stop_requested()) return 1;
            harm();
            const bool leaves = eventually([&] {
                hygiene.after_message("closes");
                return stop_requested();
            });
            return leaves ? 0 : 2;
        });
    };
    for (const int fd : {0, 1, 2})
        CHECK(leaves_after([&] { ::close(fd); }) == 0);
    CHECK(leaves_after([] {
              ::close(2);
              ::open("/dev/null", O_RDONLY | O_CLOEXEC);
          }) == 0);
}

TEST_CASE("a worker leaves before its processor time is used up") {
    CHECK(in_child([] {
              Hygiene hygiene;
              hygiene.leave_after(std::chrono::milliseconds{50});
              for (;;) {
                  hygiene.after_message("busy");
                  if (stop_requested()) return 0;
              }
          }) == 0);
}

}  // TEST_SUITE("hygiene")
