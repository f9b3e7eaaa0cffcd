#include "config/directories.hpp"
#include "tests/support/skip.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

TEST_SUITE("directories") {

using namespace myq;
using namespace myq::test;
using std::filesystem::path;

namespace {

const path own = "/home/somebody/myq.yaml";
const path systems = "/etc/myq/myq.yaml";

// As somebody without rights: as root every configuration is the system's.
void set_up_somebody() {
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/home/somebody", 1);
}

template <typename Body>
int as_somebody(Body body) {
    const auto prepared = [&] {
        set_up_somebody();
        return body();
    };
    return geteuid() == 0 ? as_nobody(prepared) : in_child(prepared);
}

path run_dir(const path& file) {
    return run_directory({}, file);
}

path journal_dir(const path& file) {
    return journal_directory({}, file);
}

}  // namespace

TEST_CASE("A directory that the configuration names is the one") {
    DaemonConfig daemon;
    daemon.run_dir = "/srv/run";
    JournalConfig journal;
    journal.dir = "/srv/journal";
    for (const path& file : {own, systems}) {
        CHECK(run_directory(daemon, file) == "/srv/run");
        CHECK(journal_directory(journal, file) == "/srv/journal");
    }
}

TEST_CASE("The system's configuration means the system's directories, whoever asks") {
    CHECK(as_somebody([] {
              return run_dir(systems) == "/run/myq" && journal_dir(systems) == "/var/lib/myq" ? 0
                                                                                              : 1;
          }) == 0);
}

TEST_CASE("Somebody's own configuration means directories of their own") {
    CHECK(as_somebody([] {
              const path run = "/tmp/myq-" + std::to_string(geteuid());
              if (run_dir(own) != run) return 1;
              if (journal_dir(own) != "/home/somebody/.local/state/myq") return 2;
              setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
              setenv("XDG_STATE_HOME", "/home/somebody/state", 1);
              if (run_dir(own) != "/run/user/7/myq") return 3;
              if (journal_dir(own) != "/home/somebody/state/myq") return 4;
              setenv("XDG_RUNTIME_DIR", "relative", 1);
              setenv("XDG_STATE_HOME", "relative", 1);
              if (run_dir(own) != run) return 5;
              if (journal_dir(own) != "/home/somebody/.local/state/myq") return 6;
              return 0;
          }) == 0);
}

TEST_CASE("Without HOME the home directory is that of the account") {
    CHECK(as_somebody([] {
              unsetenv("HOME");
              const passwd* entry = getpwuid(geteuid());
              const path home = entry == nullptr ? "/" : entry->pw_dir;
              return journal_dir(own) == home / ".local/state/myq" ? 0 : 1;
          }) == 0);
}

TEST_CASE("As root every configuration is the system's") {
    if (geteuid() != 0) myq::test::skip("needs root");
    CHECK(run_dir(own) == "/run/myq");
    CHECK(journal_dir(own) == "/var/lib/myq");
}

}  // TEST_SUITE("directories")
