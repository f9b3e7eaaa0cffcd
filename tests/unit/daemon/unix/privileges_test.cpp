#include "daemon/unix/privileges.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/run_dir.hpp"

#include <doctest/doctest.h>

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

TEST_SUITE("privileges") {

using namespace myq;
using namespace myq::test;

namespace {

using Status = std::map<std::string, std::string>;

// /proc/self/status as "Uid" -> "0\t0\t0\t0".
Status parse(const std::string& text) {
    Status status;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t colon = line.find(":\t");
        if (colon != std::string::npos) status[line.substr(0, colon)] = line.substr(colon + 2);
    }
    return status;
}

// How a process stands after the drop.
Status dropped(const DropOptions& options) {
    const RunDir dir;
    const int result = in_child([&] {
        const gid_t some[] = {0, 4, 27};
        if (setgroups(3, some) != 0) return 2;
        // Opened before the drop: the directory is root's.
        std::ofstream out(dir / "status");
        drop_privileges(find_identity("myq", "myq"), options);
        out << std::ifstream("/proc/self/status").rdbuf();
        out.flush();
        return out.good() ? 0 : 3;
    });
    REQUIRE(result == 0);
    return parse(read_file(dir / "status"));
}

std::string four(unsigned id) {
    const std::string text = std::to_string(id);
    return text + "\t" + text + "\t" + text + "\t" + text;
}

const std::string no_capability = "0000000000000000";
const std::string ipc_owner = "0000000000008000";

// Ids, among them the file system's, and groups.
void check_ids(Status& status) {
    CHECK(status["Uid"] == four(find_user("myq")));
    CHECK(status["Gid"] == four(find_group("myq")));
    CHECK(status["Groups"] == std::to_string(find_group("myq")) + " ");
}

}  // namespace

TEST_CASE("privileges: after the drop nothing of root is left") {
    Status status = dropped({});
    check_ids(status);
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
        CAPTURE(set);
        CHECK(status[set] == no_capability);
    }
    CHECK(status["NoNewPrivs"] == "1");
}

TEST_CASE("privileges: no_new_privs may be left off") {
    Status status = dropped({.no_new_privs = false, .keep_ipc_owner = false});
    check_ids(status);
    CHECK(status["NoNewPrivs"] == "0");
    CHECK(status["CapEff"] == no_capability);
}

TEST_CASE("privileges: CAP_IPC_OWNER may be kept, and nothing else is") {
    Status status = dropped({.no_new_privs = true, .keep_ipc_owner = true});
    check_ids(status);
    CHECK(status["CapEff"] == ipc_owner);
    CHECK(status["CapPrm"] == ipc_owner);
    CHECK(status["CapInh"] == no_capability);
    CHECK(status["CapBnd"] == no_capability);
    CHECK(status["CapAmb"] == no_capability);
    CHECK(status["NoNewPrivs"] == "1");
}

TEST_CASE("privileges: groups that the system gives the user are kept") {
    const gid_t senders = find_group("myq-send");
    std::string groups = read_file("/etc/group");
    const std::string line = "myq-send:x:" + std::to_string(senders) + ":";
    REQUIRE(groups.find(line) != std::string::npos);
    const std::string before = groups;
    groups.insert(groups.find(line) + line.size(), "myq");
    write_file("/etc/group", groups);
    Status status = dropped({});
    write_file("/etc/group", before);
    CHECK(status["Groups"].find(std::to_string(senders)) != std::string::npos);
}

TEST_CASE("privileges: there is no way back") {
    for (const bool keep : {false, true}) {
        CAPTURE(keep);
        CHECK(in_child([&] {
                  drop_privileges(find_identity("myq", "myq"),
                                  {.no_new_privs = true, .keep_ipc_owner = keep});
                  if (setuid(0) == 0 || seteuid(0) == 0 || setreuid(0, 0) == 0) return 2;
                  if (setgid(0) == 0 || setegid(0) == 0) return 3;
                  if (setgroups(0, nullptr) == 0) return 4;
                  return access("/etc/shadow", R_OK) == 0 ? 5 : 0;
              }) == 0);
    }
}

TEST_CASE("privileges: a process that cannot drop throws") {
    CHECK(as_nobody([] {
              try {
                  drop_privileges(find_identity("myq", "myq"), {});
                  return 1;
              } catch (const std::exception& e) {
                  return std::string(e.what()).starts_with("cannot drop privileges: ") ? 0 : 2;
              }
          }) == 0);
}

TEST_CASE("privileges: users and groups that do not exist are named, with what to do") {
    CHECK_THROWS_WITH_AS(find_user("nouser-of-ours"),
                         "there is no user 'nouser-of-ours'; make it with useradd --system "
                         "nouser-of-ours",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(find_group("nogroup-of-ours"),
                         "there is no group 'nogroup-of-ours'; make it with groupadd --system "
                         "nogroup-of-ours",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(find_identity("root", "myq"),
                         "user 'root' is root; handlers never run as root", std::invalid_argument);
}

TEST_CASE("privileges: whoever runs it is found by name, or else by number") {
    CHECK(current_identity().user == "root");
    CHECK(current_identity().group == "root");
    CHECK(in_child([] {
              if (setgid(54'321) != 0 || setuid(54'321) != 0) return 99;
              const Identity identity = current_identity();
              return identity.uid == 54'321 && identity.user == "54321" && identity.group == "54321"
                         ? 0
                         : 1;
          }) == 0);
}

}  // TEST_SUITE("privileges")
