#include "bench/fill_journal.hpp"

#include "bench/load.hpp"
#include "bench/progress.hpp"
#include "daemon/unix/owned.hpp"
#include "journal/journal.hpp"

#include <fmt/format.h>

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace myq::bench {

namespace {

constexpr std::int64_t rows_a_transaction = 10'000;
constexpr std::int64_t a_day_ms = 86'400'000;

void become(const passwd& user) {
    if (::setgroups(1, &user.pw_gid) != 0 ||
        ::setresgid(user.pw_gid, user.pw_gid, user.pw_gid) != 0 ||
        ::setresuid(user.pw_uid, user.pw_uid, user.pw_uid) != 0) {
        throw_call_failed("setresuid");
    }
}

// In a process of its own, which begins with making the directory belong to the daemon's user if it
// is root, and continues as that user.
void as_service_user(const std::filesystem::path& directory, const std::function<void()>& work) {
    const pid_t pid = ::fork();
    if (pid < 0) throw_call_failed("fork");
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            if (::mkdir(directory.c_str(), 0700) != 0) throw_call_failed("mkdir");
            if (::geteuid() == 0) {
                const passwd* user = ::getpwnam("myq");  // NOLINT(concurrency-mt-unsafe)
                if (user == nullptr) throw std::runtime_error("there is no user myq");
                if (::chown(directory.c_str(), user->pw_uid, user->pw_gid) != 0) {
                    throw_call_failed("chown");
                }
                become(*user);
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of user ends it
            }
            work();
        } catch (const std::exception& e) {
            fmt::print(stderr, "myq-bench: {}\n", e.what());
            ::_exit(EXIT_FAILURE);
        }
        ::_exit(EXIT_SUCCESS);
    }
    ChildPid child(pid);
    int status = 0;
    if (::waitpid(pid, &status, 0) < 0) throw_call_failed("waitpid");
    child.disown();
    if (status != 0) throw std::runtime_error("the journal could not be filled");
}

void insert_in_steps(Journal& journal, std::int64_t rows, const char* what,
                     const std::function<void(std::int64_t queue, std::int64_t row)>& insert) {
    for (std::int64_t done = 0; done < rows;) {
        const std::int64_t end = std::min(rows, done + rows_a_transaction);
        journal.transact(Survives::kill, [&] {
            const std::int64_t queue = journal.queue_number("bench");
            for (; done < end; ++done)
                insert(queue, done);
        });
        show_progress(fmt::format("many rows: {} of {} {}", done, rows, what));
    }
}

void fill(const std::filesystem::path& directory, std::int64_t delayed, std::int64_t dead) {
    JournalLimits limits;
    limits.max_size = std::uint64_t{1} << 40U;
    Journal journal(directory, limits, true);
    const std::vector<std::byte> body(64, std::byte{'m'});
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    NewMessage message;
    message.type = 1;
    message.body = body;
    insert_in_steps(journal, delayed, "delayed", [&](std::int64_t queue, std::int64_t row) {
        message.due_ms = now_ms + a_day_ms + row;
        journal.insert(queue, message);
    });
    const std::vector<Attempt> history{{1, now_ms, "killed by SIGSEGV in plugin resize 1.2.0"}};
    message.due_ms = 0;
    message.dead = true;
    message.attempts = 1;
    message.reason = history.front().cause;
    message.history = history;
    insert_in_steps(journal, dead, "dead",
                    [&](std::int64_t queue, std::int64_t) { journal.insert(queue, message); });
}

}  // namespace

void fill_journal(const std::filesystem::path& directory, std::int64_t delayed, std::int64_t dead) {
    as_service_user(directory, [&] { fill(directory, delayed, dead); });
}

}  // namespace myq::bench
