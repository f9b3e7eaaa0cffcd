#pragma once

#include <filesystem>

// The files of the journal are its owner's alone: what was in a message is nobody else's business,
// and a file that somebody else may write is not to be believed.
namespace myq {

// A file of ours, open for reading and writing; made with mode 0600, whatever the umask, if
// missing. Throws JournalError if it is not a regular file, belongs to somebody else, or cannot be
// opened.
class PrivateFile {
public:
    explicit PrivateFile(std::filesystem::path path);
    ~PrivateFile();
    PrivateFile(const PrivateFile&) = delete;
    PrivateFile& operator=(const PrivateFile&) = delete;

    const std::filesystem::path& path() const { return path_; }
    int descriptor() const { return descriptor_; }

private:
    std::filesystem::path path_;
    int descriptor_;
};

// The same check, and the same making, for a file that is never opened here: to close any
// descriptor of a file drops the POSIX locks that SQLite holds on it in this process.
bool exists_as_ours(const std::filesystem::path& path);  // false if there is nothing
void make_durably(const std::filesystem::path& path);    // its name survives a power cut

}  // namespace myq
