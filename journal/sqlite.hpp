#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

// SQLite as two values that clean up after themselves; only sqlite.cpp knows its header. Whatever
// fails throws JournalError, with the name of the file in it. After one of kind io a connection
// throws the same again whatever is asked of it: what such a disk says next is not to be trusted.
namespace myq {

class Database {
public:
    // Opens a file that must be there and must be no symbolic link. The path is absolute, its
    // directory has no symbolic link in it. Throws std::logic_error in a process that was forked
    // while another Database was open.
    explicit Database(std::filesystem::path file);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    const std::filesystem::path& file() const { return file_; }
    bool is_broken() const { return !broken_.empty(); }

    void run(const std::string& sql);  // statements whose results nobody wants
    bool in_transaction() const;
    void rollback() noexcept;  // if in a transaction

    // Pages that the write-ahead log held after this connection's last commit.
    int pages_in_wal() const { return pages_in_wal_; }
    // Moves the log into the database; `truncate` also empties its file. Readers are not waited
    // for: false when one stood in the way.
    bool checkpoint(bool truncate);

private:
    friend class Statement;
    void open();
    void require_usable() const;
    [[noreturn]] void fail(int code);

    std::filesystem::path file_;
    sqlite3* handle_ = nullptr;
    int pages_in_wal_ = 0;
    std::string broken_;  // why it must not be used any more
};

// One statement, prepared once and kept for the life of the connection.
class Statement {
public:
    Statement(Database& database, std::string_view sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    // Binds parameter `index`, from 1. Blobs and text are not copied: they must live until the rows
    // are read.
    void bind(int index, std::nullptr_t);
    void bind(int index, std::int64_t value);
    void bind(int index, std::string_view text);
    void bind(int index, std::span<const std::byte> blob);
    template <typename Value>
    void bind(int index, const std::optional<Value>& value) {
        if (value) return bind(index, *value);
        bind(index, nullptr);
    }

    // One execution, which ends with the object.
    class Rows {
    public:
        explicit Rows(Statement& statement) : statement_(statement) {}
        ~Rows();
        Rows(const Rows&) = delete;
        Rows& operator=(const Rows&) = delete;

        bool next();  // whether there is one more
        // Columns from 0. Blobs and text are valid until next().
        std::int64_t integer(int column) const;  // 0 for NULL
        std::optional<std::int64_t> maybe_integer(int column) const;
        std::string_view text(int column) const;            // "" for NULL
        std::span<const std::byte> blob(int column) const;  // empty for NULL

    private:
        Statement& statement_;
    };
    Rows rows() { return Rows(*this); }  // with what is bound

    template <typename... Values>
    Rows with(const Values&... values) {
        int index = 0;
        (bind(++index, values), ...);
        return rows();
    }

    // Executes to the end. Returns how many rows an INSERT, UPDATE or DELETE changed.
    template <typename... Values>
    std::int64_t run(const Values&... values) {
        return finish(with(values...));
    }

    std::string_view sql() const;

private:
    std::int64_t finish(Rows&& rows);
    void check(int code);

    Database& database_;
    sqlite3_stmt* handle_ = nullptr;
};

}  // namespace myq
