#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// libpq, and the only place that knows it.

// What a connection string says that must be checked.
struct ConnectionParts {
    std::string problem;  // why it is none; "" when it is one
    bool has_secret = false;
    std::string passfile;
    bool is_elsewhere = false;  // not all of its hosts are this machine, as far as it says
};
ConnectionParts parse_connection(const std::string& connection);

// One value of a statement; nothing is NULL.
using SqlValue = std::optional<std::string_view>;

struct SqlAnswer {
    bool is_done = false;
    std::string sqlstate;  // five characters; "" when it was not the server that said no
    std::string problem;
};

// What became of many: all of them or none.
struct SqlBatchAnswer {
    SqlAnswer answer;
    std::optional<std::size_t> culprit;  // the first that the server, or nobody, could take
};

// One session, begun when it is needed, in which one statement is prepared. Kept for the next
// message until something goes wrong.
class Database {
public:
    struct Settings {
        std::string connection, statement;
        std::function<bool()> give_up;                    // asked about once a second
        std::function<void(std::string_view)> on_notice;  // the server has something to say
    };

    explicit Database(Settings settings);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // Runs the statement, in a transaction of its own, with these values. When `timeout` is over
    // the server has given up by itself, unless nothing is heard of it any more.
    SqlAnswer run(const std::vector<SqlValue>& values, std::chrono::milliseconds timeout);

    // Runs it for each of them, in one transaction, with one question to the server.
    SqlBatchAnswer run_many(std::span<const std::vector<SqlValue>> all,
                            std::chrono::milliseconds timeout);

    void disconnect();

private:
    class Session;
    Session& session(std::chrono::steady_clock::time_point deadline);

    Settings settings_;
    std::unique_ptr<Session> session_;
};
