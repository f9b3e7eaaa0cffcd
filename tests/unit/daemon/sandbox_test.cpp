#include "daemon/sandbox.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/daemon/child.hpp"

#include <doctest/doctest.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

TEST_SUITE("sandbox") {

using namespace myq;
using test::in_child;

namespace {

// From now on this process is on a kernel without Landlock.
void take_landlock_away() {
    std::array code{
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{code.size(), code.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

std::string joined(const std::vector<std::string>& sentences) {
    std::string all;
    for (const std::string& sentence : sentences)
        all += sentence + "\n";
    return all;
}

}  // namespace

TEST_CASE("sandbox: refused where the kernel has no Landlock, with a sentence") {
    CHECK(in_child([] {
              take_landlock_away();
              return joined(problems_of({}, {})).find("Landlock is not in this kernel") !=
                             std::string::npos
                         ? 0
                         : 1;
          }) == 0);
}

TEST_CASE("sandbox: refused where it would lead to what is the daemon's, or nowhere") {
    const test::TempDir dir;
    namespace fs = std::filesystem;
    for (const char* name : {"run/slots", "journal", "jobs"})
        fs::create_directories(dir.path() / name);
    fs::create_directory_symlink(dir.path() / "journal", dir.path() / "link");
    const std::vector<fs::path> of_daemon{dir.path() / "run", dir.path() / "journal"};
    const auto said = [&](const fs::path& path) {
        SandboxConfig sandbox;
        sandbox.write = {path};
        return joined(problems_of(sandbox, of_daemon));
    };
    CHECK(said(dir.path() / "jobs") == joined(problems_of({}, {})));
    for (const char* name : {"", "run", "run/", "run/slots", "journal", "link", "jobs/../run"}) {
        CAPTURE(name);
        CHECK(said(dir.path() / name).find("is the daemon's, and no sandbox leads there") !=
              std::string::npos);
    }
    CHECK(said(dir.path() / "none").find("none: No such file or directory") != std::string::npos);
    SandboxConfig reads;
    reads.read = {dir.path() / "journal/"};
    CHECK(joined(problems_of(reads, of_daemon)).starts_with("read: "));
}

}  // TEST_SUITE("sandbox")
