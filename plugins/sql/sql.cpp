// sql: runs one statement of PostgreSQL for every message.
//
//     handlers:
//       - type: 8
//         name: order
//         plugin: sql
//         timeout: 20s
//         options:
//           connection: host=db.example.org dbname=shop user=myq passfile=/etc/myq/pgpass
//           statement: >-
//             INSERT INTO orders (id, content) VALUES ($1, $2::jsonb) ON CONFLICT (id) DO NOTHING
//           parameters: [id, body]
//
// Options
//   connection   a connection string of libpq, as psql takes it: `host=... dbname=...` or a URI. A
//                password in it is refused: it belongs into the file that passfile= names, of which
//                nobody but the daemon's user may read. Several hosts may stand there, with
//                target_session_attrs=read-write.
//   statement    one statement with $1, $2, ...; it is prepared once a connection.
//   parameters   what $1, $2, ... are:
//                  body        any bytes where the parameter is bytea, as it is by itself if the
//                              column is; else text, such as for $1::jsonb
//                  id          32 hex digits, fit for uuid; NULL for a message without one
//                  type, type_name (NULL for none), queue, attempt
//   timeout      for the connection and the statement, default 30s. When the handler's own timeout
//                is shorter, nine tenths of that (of a long one: all but the last second). The
//                server is told nine tenths of it as statement_timeout.
//   batch        messages that are dealt with together, when so many wait: one transaction and one
//                question to the server, so many times faster; default 1, at most 256. A worker
//                that is killed in the wrong instant repeats all of them.
//
// Each statement is a transaction of its own, but for those of a batch: if one of them fails, those
// before it are run again without it, and it is run alone, so that it fails for itself only. The
// end of its transaction says what becomes of the message
//   it is committed                         done, however many rows it changed
//   the server is not there, stops, has no  retry; the next attempt is a new connection
//   room, sees a deadlock, ... (SQLSTATE
//   08, 40, 53, 55, 57, 28, 3D and others)
//   the value or the statement is wrong     reject, with the SQLSTATE and the server's sentence
//   (22, 23, 42, 44, or P0001, which is
//   RAISE EXCEPTION in a trigger)
//
// A connection that breaks in the wrong instant leaves open whether there was a COMMIT, and the
// message is tried again: have senders use envelopes, so that there is an id, and write ON CONFLICT
// (id) DO NOTHING as above.
#include "plugins/last_words.hpp"
#include "plugins/sql/database.hpp"
#include "plugins/sql/settings.hpp"
#include "plugins/time_to_answer.hpp"

#include <myq/handler.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

// Whether no further try can help, as far as the server knows.
bool is_final(std::string_view sqlstate) {
    constexpr std::array<std::string_view, 4> classes{"22", "23", "42", "44"};
    return sqlstate == "P0001" ||
           std::ranges::any_of(classes, [&](auto each) { return sqlstate.starts_with(each); });
}

class Sql : public myq::Handler {
public:
    explicit Sql(const myq::Start& start)
        : Handler(start),
          settings_(start.options),
          database_(
              {.connection = settings_.connection,
               .statement = settings_.statement,
               .give_up = [this] { return last_words_.are_over(should_stop()); },
               .on_notice = [this](std::string_view text) { log(myq::Level::debug, text); }}) {}

    std::size_t most_at_once() const override { return settings_.batch; }

    myq::Outcome handle(const myq::Message& message) override {
        last_words_ = {};
        const Row row(message, settings_.parameters);
        return run(row.values, time_to_answer(message, settings_.timeout));
    }

    void handle_many(myq::Messages& messages) override {
        last_words_ = {};
        deadline_ = Clock::now() + time_to_answer(messages[0], settings_.timeout);
        std::deque<Row> rows;
        std::vector<std::vector<SqlValue>> all;
        for (std::size_t i = 0; i < messages.size(); ++i)
            all.push_back(rows.emplace_back(messages[i], settings_.parameters).values);
        settle_all(messages, all, 0, all.size());
    }

private:
    using Clock = std::chrono::steady_clock;
    using Rows = std::vector<std::vector<SqlValue>>;

    // What the statement is given for one message, which must live as long.
    struct Row {
        Row(const myq::Message& message, const std::vector<Field>& fields)
            : type(std::to_string(message.type())),
              attempt(std::to_string(message.attempt())) {
            for (const Field field : fields)
                values.push_back(value(field, message, type, attempt));
        }
        Row(const Row&) = delete;
        Row& operator=(const Row&) = delete;

        std::string type, attempt;
        std::vector<SqlValue> values;
    };

    void settle_all(myq::Messages& messages, const Rows& rows, std::size_t begin, std::size_t end) {
        while (begin < end)
            begin = settle(messages, rows, begin, end);
    }

    // The rows from `begin` to `end` as one, or up to the one that spoils it. Where to go on.
    std::size_t settle(myq::Messages& messages, const Rows& rows, std::size_t begin,
                       std::size_t end) {
        if (end - begin == 1) return settle_alone(messages, rows, begin, end);
        const SqlBatchAnswer batch =
            database_.run_many(std::span(rows).subspan(begin, end - begin), time_left());
        const std::string& state = batch.answer.sqlstate;
        const bool may_be_one = !state.empty() && is_final(state);
        if (may_be_one && !batch.culprit) return settle_alone(messages, rows, begin, end);
        if (may_be_one) {
            const std::size_t culprit = begin + *batch.culprit;
            settle_all(messages, rows, begin, culprit);
            return settle_alone(messages, rows, culprit, culprit + 1);
        }
        const myq::Outcome outcome = outcome_of(batch.answer);
        for (std::size_t i = begin; i < end; ++i)
            messages.settle(i, outcome);
        return end;
    }

    std::size_t settle_alone(myq::Messages& messages, const Rows& rows, std::size_t begin,
                             std::size_t end) {
        for (std::size_t i = begin; i < end; ++i)
            messages.settle(i, run(rows[i], time_left()));
        return end;
    }

    std::chrono::milliseconds time_left() const {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
        return std::max(left, std::chrono::milliseconds{0});
    }

    myq::Outcome run(const std::vector<SqlValue>& values, std::chrono::milliseconds timeout) {
        return outcome_of(database_.run(values, timeout));
    }

    myq::Outcome outcome_of(const SqlAnswer& answer) {
        if (answer.is_done) return myq::done();
        if (answer.sqlstate.empty()) return myq::retry(answer.problem);
        const std::string reason = "SQLSTATE " + answer.sqlstate + ": " + answer.problem;
        if (is_final(answer.sqlstate)) return myq::reject(reason);
        database_.disconnect();  // whatever it was, the next attempt begins anew
        return myq::retry(reason);
    }

    static SqlValue value(Field field, const myq::Message& message, const std::string& type,
                          const std::string& attempt) {
        const auto or_null = [](std::string_view text) {
            return text.empty() ? SqlValue{} : SqlValue{text};
        };
        switch (field) {
        case Field::body:
            return message.text();
        case Field::id:
            return or_null(message.id());
        case Field::type:
            return type;
        case Field::type_name:
            return or_null(message.type_name());
        case Field::queue:
            return message.queue();
        case Field::attempt:
            return attempt;
        }
        return {};
    }

    SqlSettings settings_;
    LastWords last_words_;
    Database database_;
    Clock::time_point deadline_;  // of a call of many
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Sql>({
        .name = "sql",
        .version = "1.0",
        .options = {{.name = "connection",
                     .kind = MYQ_OPTION_TEXT,
                     .required = true,
                     .help = "a connection string of libpq, such as 'host=... dbname=...'"},
                    {.name = "statement",
                     .kind = MYQ_OPTION_TEXT,
                     .required = true,
                     .help = "what is run for each message, with $1, $2, ..."},
                    {.name = "parameters",
                     .kind = MYQ_OPTION_LIST,
                     .help = "what $1, $2, ... are: body, id, type, type_name, queue, attempt"},
                    {.name = "timeout",
                     .kind = MYQ_OPTION_DURATION,
                     .default_value = "30s",
                     .help = "for the connection and the statement"},
                    {.name = "batch",
                     .kind = MYQ_OPTION_INTEGER,
                     .default_value = "1",
                     .help = "messages that one transaction takes, if so many wait"}},
        .check = [](const myq::Options& options) { const SqlSettings ignored{options}; },
    });
}
