#include "plugins/sql/settings.hpp"

#include "plugins/refuse.hpp"
#include "plugins/sql/database.hpp"
#include "plugins/sql/statement.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace {

constexpr std::array<std::pair<std::string_view, Field>, 6> fields{{{"body", Field::body},
                                                                    {"id", Field::id},
                                                                    {"type", Field::type},
                                                                    {"type_name", Field::type_name},
                                                                    {"queue", Field::queue},
                                                                    {"attempt", Field::attempt}}};

std::vector<Field> parameters(const myq::Options& options) {
    std::vector<Field> list;
    for (const std::string& name : options.list("parameters")) {
        const auto* const field = std::find_if(
            fields.begin(), fields.end(), [&](const auto& known) { return known.first == name; });
        if (field == fields.end())
            refuse("parameters", "has '" + name +
                                     "', which is none of body, id, type, type_name, queue and "
                                     "attempt");
        list.push_back(field->second);
    }
    return list;
}

std::size_t batch(const myq::Options& options) {
    const std::int64_t batch = options.integer("batch", 1);
    if (batch < 1 || batch > MYQ_MOST_AT_ONCE)
        refuse("batch", "is not 1 to " + std::to_string(MYQ_MOST_AT_ONCE));
    return static_cast<std::size_t>(batch);
}

// libpq ignores one that others may read, and says so where nobody looks.
void check_passfile(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) == -1 || ::access(file.c_str(), R_OK) == -1)
        refuse("connection",
               "has passfile=" + file + ", which cannot be read: " + std::strerror(errno));
    if (!S_ISREG(status.st_mode))
        refuse("connection", "has passfile=" + file + ", which is no file");
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        refuse("connection", "has passfile=" + file + ", which others may read; chmod 600 " + file);
}

}  // namespace

SqlSettings::SqlSettings(const myq::Options& options)
    : connection(options.text("connection")),
      statement(options.text("statement")),
      parameters(::parameters(options)),
      timeout(positive_duration(options, "timeout", std::chrono::seconds{30})),
      batch(::batch(options)) {
    const ConnectionParts parts = parse_connection(connection);
    // The parser's words may quote a password.
    if (!parts.problem.empty() && connection.find("password") == std::string::npos &&
        connection.find("://") == std::string::npos)
        refuse("connection", "is no connection string: " + parts.problem);
    if (!parts.problem.empty()) refuse("connection", "is no connection string");
    if (parts.has_secret)
        refuse("connection", "has a password in it; write passfile=FILE in place of it");
    if (!parts.passfile.empty()) check_passfile(parts.passfile);

    const int highest = highest_parameter(statement);
    const int named = static_cast<int>(parameters.size());
    if (highest != named)
        refuse("parameters", "names " + std::to_string(named) + ", but the statement goes up to $" +
                                 std::to_string(highest));
}
