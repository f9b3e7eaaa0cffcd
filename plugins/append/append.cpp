// append: writes every body as one line at the end of a file.
//
//     handlers:
//       - {type: 3, name: visit, plugin: append, options: {file: /var/log/myq/visits, mode:
//       "0640"}}
//
// Options
//   file   where to; absolute. Made when it is missing, never through a symbolic link.
//   mode   permission bits of a file that is made here; default "0640".
//
// One message is one line: a newline in the body is written as \n and a backslash as \\; every
// other byte stands as it came. To read a body back, undo the two.
//
// Rotation: the file is looked up before every message. When it was renamed or removed, a new one
// is made and written; when it was cut short (logrotate's copytruncate), writing goes on at its
// end.
//
// Full disk: the message is answered with `retry` and what was written of its line is taken back.
// For that, writers hold an flock(2) on the file; several workers may append to one file, and other
// programs may too if they lock it in the same way. Whoever can read the file can hold that lock
// for as long as they like: after a second the message is answered with `retry`. When a worker was
// killed while writing, the next line starts on a line of its own; the piece before it stays.
//
// A line that was written outlives every process. It is not forced to the disk: a power cut may
// take what the kernel had not written out yet.
#include "plugins/fd.hpp"
#include "plugins/octal_mode.hpp"

#include <myq/handler.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace {

mode_t file_mode(const myq::Options& options) {
    return octal_mode(options, "0640", 0777, "0777");
}

// What can be told of the options without making the file. Whether the daemon's user may write
// there shows when a worker starts.
void check(const myq::Options& options) {
    file_mode(options);
    const std::filesystem::path file = options.text("file");
    const auto refuse = [&](const std::string& why) {
        throw std::invalid_argument("option 'file': " + file.string() + ": " + why);
    };
    std::error_code ignored;  // "no" is an answer too
    if (!std::filesystem::is_directory(file.parent_path(), ignored)) {
        refuse("the directory above it does not exist; make it first");
    }
    const auto status = std::filesystem::symlink_status(file, ignored);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        refuse("is not a regular file");
    }
}

constexpr std::chrono::seconds lock_patience{1};

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

struct stat status(const Fd& file) {
    struct stat found {};
    if (::fstat(file.get(), &found) == -1) fail("fstat");
    return found;
}

// Holds the lock that keeps other writers away. Another writer has it for the time of one line.
class Locked {
public:
    explicit Locked(int fd) : fd_(fd) {
        using std::chrono::microseconds;
        const auto deadline = std::chrono::steady_clock::now() + lock_patience;
        microseconds pause{100};
        while (::flock(fd_, LOCK_EX | LOCK_NB) == -1) {
            if (errno != EWOULDBLOCK && errno != EINTR) fail("flock");
            if (std::chrono::steady_clock::now() >= deadline)
                throw std::runtime_error("another process has it locked with flock(2): see who "
                                         "with lslocks");
            std::this_thread::sleep_for(pause);
            pause = std::min(2 * pause, microseconds{20'000});
        }
    }
    ~Locked() { ::flock(fd_, LOCK_UN); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;

private:
    int fd_;
};

class Append : public myq::Handler {
public:
    explicit Append(const myq::Start& start)
        : Handler(start),
          path_(start.options.text("file")),
          mode_(file_mode(start.options)) {
        // At once, so that a file that cannot be written is a start that fails.
        try {
            open();
        } catch (const std::exception& e) {
            throw std::runtime_error("option 'file': " + path_ + ": " + e.what());
        }
    }

    myq::Outcome handle(const myq::Message& message) override {
        try {
            reopen_if_rotated();
            const Locked locked(file_.get());
            write_line(message.text());
        } catch (const std::exception& e) {
            return myq::retry("cannot append to " + path_ + ": " + e.what());
        }
        return myq::done();
    }

private:
    void open();
    void reopen_if_rotated();
    void write_line(std::string_view body);
    void take_back(off_t size_before, std::size_t written) const;

    std::string path_;
    mode_t mode_;
    Fd file_;
    std::string line_;  // kept for its capacity
};

void Append::open() {
    // `mode` is meant as it is written, and this process has one thread: nobody else sees the
    // umask. Reading too: write_line() looks at the last byte, and a FIFO opened so holds nobody
    // up.
    const mode_t umask_before = ::umask(0);
    Fd found(::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC,
                    mode_));
    const int error = errno;
    ::umask(umask_before);
    errno = error;
    if (!found) fail("open");
    if (!S_ISREG(status(found).st_mode)) throw std::runtime_error("is not a regular file");
    file_ = std::move(found);
}

void Append::reopen_if_rotated() {
    const struct stat ours = status(file_);
    struct stat named {};
    if (::lstat(path_.c_str(), &named) == 0 && named.st_ino == ours.st_ino &&
        named.st_dev == ours.st_dev) {
        return;
    }
    open();
}

// One write(2) as long as there is room: lines do not mix even with a writer that does not lock.
void Append::write_line(std::string_view body) {
    const off_t size_before = status(file_).st_size;
    line_.clear();
    char last = '\n';
    if (size_before > 0 && ::pread(file_.get(), &last, 1, size_before - 1) == -1) fail("pread");
    if (last != '\n') line_ += '\n';  // a writer was killed in the middle of its line
    for (std::size_t at = 0; at < body.size();) {
        const std::size_t special = std::min(body.find_first_of("\\\n", at), body.size());
        line_.append(body, at, special - at);
        if (special < body.size()) line_ += body[special] == '\n' ? "\\n" : "\\\\";
        at = special + 1;
    }
    line_ += '\n';

    std::size_t written = 0;
    while (written < line_.size()) {
        const ssize_t n = ::write(file_.get(), line_.data() + written, line_.size() - written);
        if (n == -1 && errno == EINTR) continue;
        if (n == -1) {
            const int error = errno;
            if (written > 0) take_back(size_before, written);
            throw std::system_error(error, std::generic_category(), "write");
        }
        written += static_cast<std::size_t>(n);
    }
}

// Only what we wrote: somebody who does not lock may have cut the file or written since.
void Append::take_back(off_t size_before, std::size_t written) const {
    if (status(file_).st_size != size_before + static_cast<off_t>(written) ||
        ::ftruncate(file_.get(), size_before) == -1) {
        log(myq::Level::warn, path_ + ": an incomplete line could not be taken back");
    }
}

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Append>({
        .name = "append",
        .version = "1.0",
        .options = {{.name = "file",
                     .kind = MYQ_OPTION_PATH,
                     .required = true,
                     .help = "the file that bodies are appended to, one line each"},
                    {.name = "mode",
                     .kind = MYQ_OPTION_TEXT,
                     .default_value = "0640",
                     .help = "permission bits of a file that is made, in octal"}},
        .check = check,
    });
}
