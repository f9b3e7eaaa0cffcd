#include "bench/beanstalkd.hpp"

#include "bench/load.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace myq::bench {

namespace {

using Path = std::filesystem::path;

constexpr std::string_view line_end = "\r\n";
// The body of the job after which nothing comes.
constexpr std::string_view last_body = "the last";

Path program() {
    for (const char* path : {"/usr/bin/beanstalkd", "/usr/local/bin/beanstalkd"}) {
        if (::access(path, X_OK) == 0) return path;
    }
    return {};
}

// One conversation: words out, lines in.
class Connection {
public:
    explicit Connection(const Path& socket)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string& name = socket.native();
        if (name.size() >= sizeof address.sun_path) {
            throw std::runtime_error(name + ": too long for the name of a socket");
        }
        name.copy(static_cast<char*>(address.sun_path), name.size());
        const auto* to = reinterpret_cast<const sockaddr*>(&address);  // NOLINT: its only way
        if (::connect(socket_.value(), to, sizeof address) != 0) throw_call_failed("connect");
    }

    void say(std::string_view words) const {
        while (!words.empty()) {
            const ssize_t part = ::write(socket_.value(), words.data(), words.size());
            if (part < 0) throw_call_failed("write to beanstalkd");
            words.remove_prefix(static_cast<std::size_t>(part));
        }
    }

    // The next line, if it has come already.
    bool has_line() const { return heard_.find(line_end, begin_) != std::string::npos; }

    // Waits for it. Valid until the next call.
    std::string_view line() {
        std::size_t end = 0;
        while ((end = heard_.find(line_end, begin_)) == std::string::npos)
            hear();
        const auto line = std::string_view(heard_).substr(begin_, end - begin_);
        begin_ = end + line_end.size();
        return line;
    }

private:
    void hear() {
        heard_.erase(0, begin_);
        begin_ = 0;
        std::array<char, 8192> part{};
        const ssize_t size = ::read(socket_.value(), part.data(), part.size());
        if (size < 0) throw_call_failed("read from beanstalkd");
        if (size == 0) throw std::runtime_error("beanstalkd has hung up");
        heard_.append(part.data(), static_cast<std::size_t>(size));
    }

    Fd socket_;
    std::string heard_;
    std::size_t begin_ = 0;  // of what no line() has given
};

std::string put_command(std::string_view body) {
    return fmt::format("put 0 0 60 {}{}{}{}", body.size(), line_end, body, line_end);
}

void expect_inserted(Connection& connection) {
    const std::string_view answer = connection.line();
    if (answer.starts_with("INSERTED")) return;
    throw std::runtime_error(fmt::format("beanstalkd: put: {}", answer));
}

// One job at a time, as a worker does; but the deletion and the next reservation in one packet.
void consume(const Path& socket, const Fd& done) {
    Connection connection(socket);
    connection.say("reserve\r\n");
    for (;;) {
        const std::string reserved(connection.line());
        constexpr std::string_view word = "RESERVED ";
        if (!reserved.starts_with(word)) {
            throw std::runtime_error("beanstalkd: reserve: " + reserved);
        }
        const std::string id =
            reserved.substr(word.size(), reserved.find(' ', word.size()) - word.size());
        const bool is_last = connection.line() == last_body;
        connection.say(fmt::format("delete {}\r\nreserve\r\n", id));
        if (connection.line() != "DELETED") throw std::runtime_error("beanstalkd: not deleted");
        if (is_last && ::write(done.value(), "!", 1) != 1) return;
    }
}

}  // namespace

bool Beanstalkd::is_installed() {
    return !program().empty();
}

Beanstalkd::Beanstalkd(const Path& directory)
    : server_({program(), "-b", directory, "-f0", "-l", "unix:" + socket().native()}) {
    // Nothing else tells when it listens.
    const Patience patience;
    for (;;) {
        try {
            const Connection trial(socket());
            return;
        } catch (const std::system_error& e) {
            if (e.code() != std::errc::no_such_file_or_directory &&
                e.code() != std::errc::connection_refused) {
                throw;
            }
        }
        if (::usleep(1000) != 0) throw_call_failed("usleep");
    }
}

Sent put_jobs(const Beanstalkd& server, const Crowd::StartingLine& start, int window,
              std::size_t body_size) {
    Connection connection(server.socket());
    const std::string put = put_command(std::string(body_size, 'm'));
    const Clock::time_point end = start();
    Sent sent;
    int in_flight = 0;
    std::string words;
    for (bool is_time_over = false; !is_time_over || in_flight > 0;) {
        words.clear();
        for (; in_flight < window && !is_time_over; ++in_flight)
            words += put;
        connection.say(words);
        do {
            expect_inserted(connection);
            ++sent.in_all;
            --in_flight;
        } while (connection.has_line());
        is_time_over = Clock::now() >= end;
        if (!is_time_over) sent.in_time = sent.in_all;
    }
    return sent;
}

BeanstalkConsumer::BeanstalkConsumer(const Beanstalkd& server) : server_(server) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_call_failed("pipe2");
    done_ = Fd{ends[0]};
    const Fd done{ends[1]};
    const pid_t pid = ::fork();
    if (pid < 0) throw_call_failed("fork");
    if (pid == 0) {
        for (const int signal : {SIGINT, SIGTERM, SIGALRM})
            ::signal(signal, SIG_DFL);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        try {
            consume(server.socket(), done);
        } catch (const std::exception& e) {
            fmt::print(stderr, "myq-bench: a consumer: {}\n", e.what());
        }
        ::_exit(EXIT_FAILURE);
    }
    pid_ = ChildPid{pid};
}

void BeanstalkConsumer::await_last() {
    const Patience patience;
    Connection connection(server_.socket());
    connection.say(put_command(last_body));
    expect_inserted(connection);
    char byte = 0;
    const ssize_t size = ::read(done_.value(), &byte, 1);
    if (size < 0) throw_call_failed("read from a pipe");
    if (size == 0) throw std::runtime_error("the consumer has failed");
}

}  // namespace myq::bench
