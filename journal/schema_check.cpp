#include "journal/schema_check.hpp"

#include "journal/journal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace myq {

namespace {

struct SchemaObject {
    bool is_index = false;
    std::string name;
    std::string sql;  // with one blank for any
};

std::string with_single_blanks(std::string_view sql) {
    std::string text;
    for (const char c : sql) {
        const bool is_blank = std::isspace(static_cast<unsigned char>(c)) != 0;
        if (is_blank && (text.empty() || text.back() == ' ' || text.back() == '(')) continue;
        text += is_blank ? ' ' : c;
    }
    if (text.ends_with(' ')) text.pop_back();
    return text;
}

// CREATE TABLE name(..., CREATE UNIQUE INDEX name ON ...
SchemaObject object_of(std::string sql) {
    const std::string_view kind = sql.find(" INDEX ") < sql.find('(') ? " INDEX " : " TABLE ";
    const std::size_t begin = sql.find(kind) + kind.size();
    const std::string name = sql.substr(begin, sql.find_first_of(" (", begin) - begin);
    return {kind == " INDEX ", name, std::move(sql)};
}

std::vector<SchemaObject> objects_of(std::string_view statements) {
    std::vector<SchemaObject> objects;
    while (!statements.empty()) {
        const std::size_t end = std::min(statements.find(';'), statements.size());
        std::string sql = with_single_blanks(statements.substr(0, end));
        if (sql.starts_with("CREATE ")) objects.push_back(object_of(std::move(sql)));
        statements.remove_prefix(std::min(end + 1, statements.size()));
    }
    return objects;
}

// But for what SQLite made itself.
std::vector<SchemaObject> objects_in(Database& database) {
    Statement statement(database, "SELECT type = 'index', name, sql FROM sqlite_schema"
                                  " WHERE sql IS NOT NULL AND type IN ('table', 'index', 'view')");
    std::vector<SchemaObject> objects;
    auto rows = statement.rows();
    while (rows.next()) {
        objects.push_back(
            {rows.integer(0) != 0, std::string(rows.text(1)), with_single_blanks(rows.text(2))});
    }
    return objects;
}

const SchemaObject* find_object(const std::vector<SchemaObject>& objects, bool is_index,
                                std::string_view name) {
    const auto found = std::find_if(objects.begin(), objects.end(), [&](const auto& object) {
        return object.is_index == is_index && object.name == name;
    });
    return found != objects.end() ? &*found : nullptr;
}

[[noreturn]] void refuse_damaged(const Database& database, const std::string& what) {
    throw JournalError(JournalError::Kind::corrupt,
                       fmt::format("{}: is damaged: its {}: stop myqd, move the file away, and "
                                   "save what is whole of it with sqlite3's .recover",
                                   database.file().string(), what));
}

void make_index(Database& database, const SchemaObject& index) {
    try {
        database.run(index.sql);
    } catch (const JournalError& error) {
        if (error.kind() != JournalError::Kind::other) throw;
        refuse_damaged(database,
                       fmt::format("index {} cannot be made again ({})", index.name, error.what()));
    }
}

std::string quoted_name(std::string_view name) {
    std::string text = "\"";
    for (const char c : name)
        text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + '"';
}

void check_tables(Database& database, const std::vector<SchemaObject>& right,
                  const std::vector<SchemaObject>& found) {
    for (const SchemaObject& table : right) {
        if (table.is_index) continue;
        const SchemaObject* there = find_object(found, false, table.name);
        if (there == nullptr) refuse_damaged(database, "table " + table.name + " is missing");
        if (there->sql != table.sql)
            refuse_damaged(database, "table " + table.name + " is another than it must be");
    }
}

// An index too many can do harm, too: a unique one would keep messages out.
void drop_wrong_indexes(Database& database, const std::vector<SchemaObject>& right,
                        const SchemaObject& optional_index, const std::vector<SchemaObject>& found,
                        std::vector<std::string>& mended) {
    for (const SchemaObject& index : found) {
        if (!index.is_index) continue;
        const SchemaObject* wanted = find_object(right, true, index.name);
        if (wanted == nullptr && index.name == optional_index.name) wanted = &optional_index;
        if (wanted != nullptr && wanted->sql == index.sql) continue;
        database.run("DROP INDEX " + quoted_name(index.name));
        mended.push_back(wanted != nullptr
                             ? fmt::format("the index {} was another; it is made again", index.name)
                             : fmt::format("the index {} is none of the journal's; it is dropped",
                                           quoted_name(index.name)));
    }
}

void make_missing_indexes(Database& database, const std::vector<SchemaObject>& right,
                          std::vector<std::string>& mended) {
    const std::vector<SchemaObject> found = objects_in(database);
    for (const SchemaObject& index : right) {
        if (!index.is_index || find_object(found, true, index.name) != nullptr) continue;
        make_index(database, index);
        const std::string was_other = fmt::format("the index {} was another", index.name);
        const bool is_said =
            std::any_of(mended.begin(), mended.end(),
                        [&](const std::string& said) { return said.starts_with(was_other); });
        if (!is_said)
            mended.push_back(fmt::format("the index {} was missing; it is made again", index.name));
    }
}

// A new row that met another would be kept out.
bool is_next_row_right(Database& database) {
    Statement look(database, "SELECT (SELECT next FROM count WHERE queue = 0 AND type = 0)"
                             " > coalesce((SELECT max(id) FROM message), 0)");
    auto rows = look.rows();
    return rows.next() && rows.integer(0) != 0;
}

void mend_next_row(Database& database, std::vector<std::string>& mended) {
    if (is_next_row_right(database)) return;
    database.run("INSERT INTO count SELECT 0, 0, 0, 0, 0, 0,"
                 " max(coalesce((SELECT max(id) FROM message), 0),"
                 " coalesce((SELECT max(message) FROM attempt), 0)) + 1 WHERE true"
                 " ON CONFLICT(queue, type) DO UPDATE SET next = excluded.next");
    mended.emplace_back("the number of the next row was wrong; it is put right");
}

}  // namespace

bool is_schema_right(Database& database, std::string_view statements,
                     std::string_view optional_index) {
    std::vector<SchemaObject> right = objects_of(statements);
    const std::vector<SchemaObject> found = objects_in(database);
    const auto is_found = [&](const SchemaObject& object) {
        const SchemaObject* there = find_object(found, object.is_index, object.name);
        return there != nullptr && there->sql == object.sql;
    };
    if (!std::all_of(right.begin(), right.end(), is_found)) return false;
    right.push_back(objects_of(optional_index).front());
    const bool has_others =
        std::any_of(found.begin(), found.end(), [&](const SchemaObject& object) {
            const SchemaObject* wanted = find_object(right, true, object.name);
            return object.is_index && (wanted == nullptr || wanted->sql != object.sql);
        });
    return !has_others && is_next_row_right(database);
}

std::string mend_schema(Database& database, std::string_view statements,
                        std::string_view optional_index) {
    const std::vector<SchemaObject> right = objects_of(statements);
    std::vector<std::string> mended;
    database.run("BEGIN IMMEDIATE");
    try {
        const std::vector<SchemaObject> found = objects_in(database);
        check_tables(database, right, found);
        drop_wrong_indexes(database, right, objects_of(optional_index).front(), found, mended);
        make_missing_indexes(database, right, mended);
        mend_next_row(database, mended);
        database.run("COMMIT");
    } catch (...) {
        database.rollback();
        throw;
    }
    if (mended.empty()) return {};
    return fmt::format("{}: {}", database.file().string(), fmt::join(mended, "; "));
}

}  // namespace myq
