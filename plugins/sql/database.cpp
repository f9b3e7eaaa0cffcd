#include "plugins/sql/database.hpp"

#include "plugins/one_line.hpp"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* statement_name = "myq";
constexpr Oid bytea = 17;
constexpr const char* machines_authorities = "/etc/ssl/certs/ca-certificates.crt";

struct Free {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Connection = std::unique_ptr<PGconn, Free>;
using Result = std::unique_ptr<PGresult, Free>;

// The session is over: nobody is there, or nobody answers.
struct Lost : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The server says no.
struct Refused {
    SqlAnswer answer;
};

// How long the server may take for a statement, so that its own end of it comes before ours.
milliseconds server_time(milliseconds timeout) {
    return std::max(timeout * 9 / 10, milliseconds{1});
}

}  // namespace

// A list of hosts, as libpq reads it: empty ones are the machine's own socket.
bool has_other_host(std::string_view hosts) {
    for (bool more = true; more;) {
        const std::size_t comma = hosts.find(',');
        const std::string_view host = hosts.substr(0, comma);
        more = comma != std::string_view::npos;
        if (more) hosts.remove_prefix(comma + 1);
        const bool is_here = host.empty() || host.front() == '/' || host.front() == '@' ||
                             host == "localhost" || host == "::1" || host.starts_with("127.");
        if (!is_here) return true;
    }
    return false;
}

ConnectionParts parse_connection(const std::string& connection) {
    ConnectionParts parts;
    char* problem = nullptr;
    const std::unique_ptr<PQconninfoOption, Free> options(
        PQconninfoParse(connection.c_str(), &problem));
    if (!options) {
        parts.problem = problem == nullptr ? "out of memory" : one_line(problem);
        PQfreemem(problem);
        return parts;
    }
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val == nullptr) continue;
        const std::string_view keyword = option->keyword;
        if (keyword == "password" || keyword == "sslpassword") parts.has_secret = true;
        if (keyword == "passfile") parts.passfile = option->val;
        // A service's host stands in another file.
        if (keyword == "service") parts.is_elsewhere = true;
        if (keyword == "host" && has_other_host(option->val)) parts.is_elsewhere = true;
        if (keyword == "hostaddr" && has_other_host(option->val)) parts.is_elsewhere = true;
    }
    return parts;
}

class Database::Session {
public:
    // Connects and prepares the statement.
    Session(const Settings& settings, Clock::time_point deadline)
        : settings_(settings),
          connection_(start(settings.connection)) {
        if (!connection_) throw std::bad_alloc();
        PQsetNoticeProcessor(connection_.get(), pass_on_notice, const_cast<Settings*>(&settings_));
        connect(deadline);
        if (PQsetnonblocking(connection_.get(), 1) != 0) throw lost();
        expect(PQsendPrepare(connection_.get(), statement_name, settings.statement.c_str(), 0,
                             nullptr));
        finish(deadline);
        expect(PQsendDescribePrepared(connection_.get(), statement_name));
        description_ = finish(deadline);
    }

    void run(const std::vector<SqlValue>& values, milliseconds timeout, Clock::time_point deadline);
    SqlBatchAnswer run_many(std::span<const std::vector<SqlValue>> all, milliseconds timeout,
                            Clock::time_point deadline);

    // Whether the server has ended the session since it was last used, a restart for one.
    bool is_over();

private:
    static Connection start(const std::string& text);
    static void pass_on_notice(void* settings, const char* text);

    void connect(Clock::time_point deadline);
    void limit_time(milliseconds timeout, Clock::time_point deadline);
    bool is_binary(std::size_t parameter) const;
    void check(const std::vector<SqlValue>& values) const;
    void send(const std::vector<SqlValue>& values);
    void flush(Clock::time_point deadline);
    Result next_result(Clock::time_point deadline);
    // The server's refusal, if it is one.
    std::optional<SqlAnswer> refusal(const Result& result) const;
    void drain(Clock::time_point deadline);
    // Waits for the last result of what was sent, and throws if one is an error.
    Result finish(Clock::time_point deadline);
    SqlBatchAnswer finish_many(std::size_t count, Clock::time_point deadline);
    // Until the socket is ready for one of `events`.
    short wait(short events, Clock::time_point deadline) const;

    void expect(int was_sent) const {
        if (was_sent != 1) throw lost();
    }
    Lost lost() const { return Lost{one_line(PQerrorMessage(connection_.get()))}; }

    const Settings& settings_;
    Connection connection_;
    Result description_;
    milliseconds limit_{0};
};

Connection Database::Session::start(const std::string& text) {
    // What comes first is what stands where the connection string is silent.
    // libpq's own sslmode, `prefer`, takes anybody's word for being the server.
    const bool is_elsewhere = parse_connection(text).is_elsewhere;
    const std::array<const char*, 6> keywords{"client_encoding", "fallback_application_name",
                                              "sslmode",         "sslrootcert",
                                              "dbname",          nullptr};
    const std::array<const char*, 6> values{"UTF8",
                                            "myq",
                                            is_elsewhere ? "verify-full" : nullptr,
                                            is_elsewhere ? machines_authorities : nullptr,
                                            text.c_str(),
                                            nullptr};
    return Connection(PQconnectStartParams(keywords.data(), values.data(), 1));
}

void Database::Session::pass_on_notice(void* settings, const char* text) {
    static_cast<const Settings*>(settings)->on_notice(one_line(text));
}

void Database::Session::connect(Clock::time_point deadline) {
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    if (PQstatus(connection_.get()) == CONNECTION_BAD) throw lost();
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED) throw lost();
        wait(status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline);
        status = PQconnectPoll(connection_.get());
    }
}

short Database::Session::wait(short events, Clock::time_point deadline) const {
    constexpr milliseconds glance{1000};
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) throw Lost("no answer in time");
        if (settings_.give_up()) throw Lost("given up because the worker is to leave");
        pollfd socket{PQsocket(connection_.get()), events, 0};
        const int ready = ::poll(&socket, 1, static_cast<int>(std::min(left, glance).count()));
        if (ready == -1 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
        if (ready > 0) return socket.revents;
    }
}

void Database::Session::flush(Clock::time_point deadline) {
    for (int unsent = PQflush(connection_.get()); unsent != 0;
         unsent = PQflush(connection_.get())) {
        if (unsent < 0) throw lost();
        const short ready = wait(POLLIN | POLLOUT, deadline);
        if ((ready & POLLIN) != 0) expect(PQconsumeInput(connection_.get()));
    }
}

Result Database::Session::next_result(Clock::time_point deadline) {
    while (PQisBusy(connection_.get()) != 0) {
        wait(POLLIN, deadline);
        expect(PQconsumeInput(connection_.get()));
    }
    return Result(PQgetResult(connection_.get()));
}

std::optional<SqlAnswer> Database::Session::refusal(const Result& result) const {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_ABORTED)
        return std::nullopt;
    const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    if (state == nullptr) throw lost();
    return SqlAnswer{false, state,
                     one_line(PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY))};
}

// What comes behind an error: until it is read nothing else can be sent. Nothing more comes if the
// error was the end of the session.
void Database::Session::drain(Clock::time_point deadline) {
    try {
        while (next_result(deadline))
            continue;
    } catch (const Lost&) {
        return;
    }
}

Result Database::Session::finish(Clock::time_point deadline) {
    flush(deadline);
    Result last;
    for (Result next = next_result(deadline); next; next = next_result(deadline)) {
        if (const auto refused = refusal(next)) {
            drain(deadline);
            throw Refused{*refused};
        }
        last = std::move(next);
    }
    return last;
}

// Results up to that of the synchronisation, which is where the transaction ends; nothing stands
// behind those of each statement. What comes after an error was not run.
SqlBatchAnswer Database::Session::finish_many(std::size_t count, Clock::time_point deadline) {
    flush(deadline);
    SqlBatchAnswer batch{.answer = {.is_done = true, .sqlstate = {}, .problem = {}}, .culprit = {}};
    for (std::size_t statement = 0; statement <= count + 1;) {
        const Result next = next_result(deadline);
        if (!next) {
            ++statement;
            continue;
        }
        if (PQresultStatus(next.get()) == PGRES_PIPELINE_SYNC) {
            expect(PQexitPipelineMode(connection_.get()));
            return batch;
        }
        const auto refused = refusal(next);
        if (!refused || !batch.answer.is_done) continue;
        batch.answer = *refused;
        if (statement < count) batch.culprit = statement;  // else it was the COMMIT
    }
    throw lost();
}

bool Database::Session::is_over() {
    pollfd socket{PQsocket(connection_.get()), POLLIN, 0};
    while (::poll(&socket, 1, 0) > 0) {
        if (PQconsumeInput(connection_.get()) != 1) return true;
        PQisBusy(connection_.get());  // reads what came: the server's last words are a notice
    }
    return PQstatus(connection_.get()) != CONNECTION_OK;
}

void Database::Session::limit_time(milliseconds timeout, Clock::time_point deadline) {
    if (timeout == limit_) return;
    const std::string set = "SET statement_timeout = " + std::to_string(timeout.count());
    expect(PQsendQuery(connection_.get(), set.c_str()));
    finish(deadline);
    limit_ = timeout;
}

void Database::Session::run(const std::vector<SqlValue>& values, milliseconds timeout,
                            Clock::time_point deadline) {
    check(values);
    limit_time(server_time(timeout), deadline);
    send(values);
    finish(deadline);
}

// Statements that are sent together, without a BEGIN, are one transaction by themselves.
SqlBatchAnswer Database::Session::run_many(std::span<const std::vector<SqlValue>> all,
                                           milliseconds timeout, Clock::time_point deadline) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        try {
            check(all[i]);
        } catch (const Refused& refused) {
            return {.answer = refused.answer, .culprit = i};
        }
    }
    limit_time(server_time(timeout), deadline);
    expect(PQenterPipelineMode(connection_.get()));
    for (const std::vector<SqlValue>& values : all)
        send(values);
    expect(PQpipelineSync(connection_.get()));
    return finish_many(all.size(), deadline);
}

// Bytes go as they are into bytea. Anything else is read by the server from text, as it is written
// in SQL, and that ends with a NUL.
bool Database::Session::is_binary(std::size_t parameter) const {
    return PQparamtype(description_.get(), static_cast<int>(parameter)) == bytea;
}

void Database::Session::check(const std::vector<SqlValue>& values) const {
    if (PQnparams(description_.get()) != static_cast<int>(values.size()))
        throw Lost("the statement has " + std::to_string(PQnparams(description_.get())) +
                   " parameters, and 'parameters' names " + std::to_string(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] && !is_binary(i) && values[i]->find('\0') != std::string_view::npos)
            throw Refused{{false, "22021", "the body has a NUL byte, which only bytea can hold"}};
    }
}

void Database::Session::send(const std::vector<SqlValue>& values) {
    std::vector<std::string> texts;
    std::vector<const char*> pointers;
    std::vector<int> lengths;
    std::vector<int> formats;
    texts.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string& text = texts.emplace_back(values[i].value_or(""));
        pointers.push_back(values[i] ? text.c_str() : nullptr);
        lengths.push_back(static_cast<int>(text.size()));
        formats.push_back(is_binary(i) ? 1 : 0);
    }
    expect(PQsendQueryPrepared(connection_.get(), statement_name, static_cast<int>(values.size()),
                               pointers.data(), lengths.data(), formats.data(), 0));
}

Database::Database(Settings settings) : settings_(std::move(settings)) {}

Database::~Database() = default;

void Database::disconnect() {
    session_.reset();
}

Database::Session& Database::session(Clock::time_point deadline) {
    if (session_ && session_->is_over()) disconnect();
    if (!session_) session_ = std::make_unique<Session>(settings_, deadline);
    return *session_;
}

SqlAnswer Database::run(const std::vector<SqlValue>& values, milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    try {
        session(deadline).run(values, timeout, deadline);
        return {.is_done = true, .sqlstate = {}, .problem = {}};
    } catch (const Refused& refused) {
        return refused.answer;
    } catch (const std::exception& e) {
        disconnect();
        return {.is_done = false, .sqlstate = {}, .problem = e.what()};
    }
}

SqlBatchAnswer Database::run_many(std::span<const std::vector<SqlValue>> all,
                                  milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    try {
        return session(deadline).run_many(all, timeout, deadline);
    } catch (const Refused& refused) {  // the statement, or our settings
        return {.answer = refused.answer, .culprit = {}};
    } catch (const std::exception& e) {
        disconnect();
        return {.answer = {.is_done = false, .sqlstate = {}, .problem = e.what()}, .culprit = {}};
    }
}
