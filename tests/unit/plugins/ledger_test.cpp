// The tests' own counting plugin has to count right before anything is proved with it.
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

TEST_SUITE("ledger") {

namespace {

class LedgerFile {
public:
    explicit LedgerFile(std::size_t counters) : path_(dir_ / "ledger") {
        std::ofstream(path_) << std::string(counters * sizeof(std::uint64_t), '\0');
    }
    OptionMap options() const { return {{"file", {path_}}}; }
    std::vector<std::uint64_t> counters() const {
        const std::string bytes = contents(path_);
        std::vector<std::uint64_t> list(bytes.size() / sizeof(std::uint64_t));
        std::memcpy(list.data(), bytes.data(), bytes.size());
        return list;
    }

private:
    TempDir dir_;
    std::string path_;
};

// How a process ends that handles `body`: a wait status.
int end_of_worker(const LedgerFile& file, const std::string& body) {
    const pid_t worker = fork();
    if (worker == 0) {
        _exit([&]() noexcept {
            // As in a worker: neither the test's handlers nor a sanitizer's.
            for (const int fatal : {SIGSEGV, SIGABRT})
                std::signal(fatal, SIG_DFL);
            alarm(1);  // for those that would stay
            StartedPlugin ledger("ledger", file.options());
            ledger.handle(body);
            return 3;
        }());
    }
    int status = 0;
    waitpid(worker, &status, 0);
    return status;
}

}  // namespace

TEST_CASE("ledger: every message counts once in its counter, whatever it commands") {
    const LedgerFile file(4);
    StartedPlugin ledger("ledger", file.options());
    CHECK(ledger.handle("0") == Answer{MYQ_DONE, ""});
    CHECK(ledger.handle("2") == Answer{MYQ_DONE, ""});
    CHECK(ledger.handle("2:sleep=1") == Answer{MYQ_DONE, ""});
    CHECK(ledger.handle("3:retry") == Answer{MYQ_RETRY, "told to retry"});
    CHECK(ledger.handle("3:reject") == Answer{MYQ_REJECT, "told to reject"});
    CHECK(ledger.handle("3:throw") == Answer{MYQ_RETRY, "told to throw"});
    CHECK(file.counters() == std::vector<std::uint64_t>{1, 0, 2, 3});
}

TEST_CASE("ledger: what it cannot count it rejects") {
    const LedgerFile file(1);
    StartedPlugin ledger("ledger", file.options());
    CHECK(ledger.handle("1") == Answer{MYQ_REJECT, "no counter 1"});
    CHECK(ledger.handle("") == Answer{MYQ_REJECT, "the body is not ID or ID:COMMAND"});
    CHECK(ledger.handle("0 ") == Answer{MYQ_REJECT, "the body is not ID or ID:COMMAND"});
    CHECK(ledger.handle("0:dance") == Answer{MYQ_REJECT, "unknown command dance"});
    CHECK(file.counters() == std::vector<std::uint64_t>{1});
}

TEST_CASE("ledger: commands that end the worker do so, after the message has counted") {
    const LedgerFile file(1);
    CHECK(WTERMSIG(end_of_worker(file, "0:crash")) == SIGSEGV);
    CHECK(WTERMSIG(end_of_worker(file, "0:abort")) == SIGABRT);
    CHECK(WTERMSIG(end_of_worker(file, "0:hang")) == SIGALRM);
    CHECK(WTERMSIG(end_of_worker(file, "0:spin")) == SIGALRM);
    CHECK(end_of_worker(file, "0:exit") == 0);
    CHECK(end_of_worker(file, "0:_exit") == 0);
    CHECK(WEXITSTATUS(end_of_worker(file, "0:stop-blind")) == 3);
    CHECK(file.counters() == std::vector<std::uint64_t>{7});
}

TEST_CASE("ledger: it does not start without its counters") {
    CHECK_THROWS_WITH(StartedPlugin("ledger", {{"file", {"/nothing/here"}}}),
                      "/nothing/here: No such file or directory");
}

}  // TEST_SUITE("ledger")
