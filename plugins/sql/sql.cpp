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
//
// Each statement is a transaction of its own. Its end says what becomes of the message
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
#include <exception>
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

    myq::Outcome handle(const myq::Message& message) override {
        last_words_ = {};
        const std::string type = std::to_string(message.type());
        const std::string attempt = std::to_string(message.attempt());
        std::vector<SqlValue> values;
        for (const Field field : settings_.parameters)
            values.push_back(value(field, message, type, attempt));
        const SqlAnswer answer = database_.run(values, time_to_answer(message, settings_.timeout));
        if (answer.is_done) return myq::done();
        if (answer.sqlstate.empty()) return myq::retry(answer.problem);
        const std::string reason = "SQLSTATE " + answer.sqlstate + ": " + answer.problem;
        if (is_final(answer.sqlstate)) return myq::reject(reason);
        database_.disconnect();  // whatever it was, the next attempt begins anew
        return myq::retry(reason);
    }

private:
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
                     .help = "for the connection and the statement"}},
        .check = [](const myq::Options& options) { const SqlSettings ignored{options}; },
    });
}
