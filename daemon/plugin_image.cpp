#include "daemon/plugin_image.hpp"

#include <fmt/format.h>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace myq {

namespace {

constexpr std::string_view suffix = ".so";
constexpr off_t largest_plugin = off_t{256} << 20;

bool is_plain_name(std::string_view name) {
    auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !name.empty() && is_letter(name[0]) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return is_letter(c) || c == '-' || c == '_'; });
}

std::string why() {
    return std::strerror(errno);
}  // NOLINT(concurrency-mt-unsafe): one thread

// Who may have written the thing, in a sentence if it is not the right ones.
void check_writers(const struct stat& st, const std::filesystem::path& path, uid_t trusted,
                   bool is_ancestor) {
    if (st.st_uid != 0 && st.st_uid != trusted) {
        throw PluginError(fmt::format(
            "{}: belongs to uid {}; a plugin and the directories above it "
            "must belong to root{}",
            path.string(), st.st_uid, trusted == 0 ? "" : " or to whoever runs the daemon"));
    }
    // In a sticky directory of root's, such as /tmp, nobody can replace what is not theirs.
    const bool sticky = is_ancestor && (st.st_mode & S_ISVTX) != 0 && st.st_uid == 0;
    if ((st.st_mode & 022) != 0 && !sticky) {
        throw PluginError(
            fmt::format("{}: is writable by group or others (mode {:04o}); chmod go-w {}",
                        path.string(), st.st_mode & 07777U, path.string()));
    }
}

// Opens the directory component by component, so that none can be swapped after its check.
Fd open_checked_directory(const std::filesystem::path& dir, uid_t trusted) {
    std::error_code error;
    const std::filesystem::path real = std::filesystem::canonical(dir, error);
    if (error)
        throw PluginError(
            fmt::format("{}: cannot open the plugin directory: {}", dir.string(), error.message()));
    Fd fd{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    std::filesystem::path seen = "/";
    for (const auto& part : real.relative_path()) {
        seen /= part;
        Fd next{::openat(fd.value(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        struct stat st {};
        if (!next || ::fstat(next.value(), &st) != 0) {
            throw PluginError(fmt::format("{}: cannot open: {}", seen.string(), why()));
        }
        check_writers(st, seen, trusted, seen != real);
        fd = std::move(next);
    }
    return fd;
}

void check_elf(const Fd& file, off_t size, const std::filesystem::path& path) {
    Elf64_Ehdr head{};
    const ssize_t n = ::pread(file.value(), &head, sizeof head, 0);
    if (n < static_cast<ssize_t>(sizeof head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_type != ET_DYN) {
        throw PluginError(fmt::format("{}: is not a shared object (ELF); build it with "
                                      "myq_add_plugin() or -shared",
                                      path.string()));
    }
    // The section headers stand last, so this is what a file is that is still being copied.
    const std::uint64_t whole = head.e_shoff + std::uint64_t{head.e_shnum} * head.e_shentsize;
    if (static_cast<std::uint64_t>(size) < whole) {
        throw PluginError(
            fmt::format("{}: is cut short: {} bytes of {}; copy it again, and rename it "
                        "into place",
                        path.string(), size, whole));
    }
    Elf64_Ehdr own{};
    const Fd self{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
    if (self && ::pread(self.value(), &own, sizeof own, 0) == sizeof own &&
        (own.e_machine != head.e_machine || own.e_ident[EI_CLASS] != head.e_ident[EI_CLASS])) {
        throw PluginError(
            fmt::format("{}: is built for another machine (ELF machine {}, ours is {})",
                        path.string(), head.e_machine, own.e_machine));
    }
}

Fd freeze(const Fd& file, off_t size, const std::string& name, const std::filesystem::path& path) {
    Fd memory{::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!memory) throw PluginError(fmt::format("{}: memfd_create: {}", path.string(), why()));
    off_t offset = 0;
    while (offset < size) {
        const ssize_t n = ::sendfile(memory.value(), file.value(), &offset,
                                     static_cast<std::size_t>(size - offset));
        if (n <= 0)
            throw PluginError(fmt::format("{}: cannot be read whole: {}", path.string(),
                                          n == 0 ? "it shrank meanwhile" : why()));
    }
    if (::fcntl(memory.value(), F_ADD_SEALS,
                F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        throw PluginError(fmt::format("{}: cannot be sealed: {}", path.string(), why()));
    }
    return memory;
}

}  // namespace

std::shared_ptr<const PluginImage> read_plugin(const std::filesystem::path& dir,
                                               const std::string& name, uid_t trusted) {
    const std::string file_name = name + std::string(suffix);
    const std::filesystem::path path = dir / file_name;
    if (!is_plain_name(name)) {
        throw PluginError(path.string() + ": is no name for a plugin; use a-z, 0-9, '-' and '_'");
    }
    const Fd directory = open_checked_directory(dir, trusted);
    // O_NONBLOCK: opening a FIFO must not wait for its writer.
    const Fd file{::openat(directory.value(), file_name.c_str(),
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!file) {
        throw PluginError(errno == ELOOP
                              ? path.string() + ": is a symbolic link; a plugin is a regular file"
                              : fmt::format("{}: cannot open: {}", path.string(), why()));
    }
    struct stat st {};
    if (::fstat(file.value(), &st) != 0)
        throw PluginError(fmt::format("{}: fstat: {}", path.string(), why()));
    if (!S_ISREG(st.st_mode)) throw PluginError(path.string() + ": is not a regular file");
    check_writers(st, path, trusted, false);
    if (st.st_size > largest_plugin) throw PluginError(path.string() + ": is larger than 256 MiB");
    check_elf(file, st.st_size, path);
    return std::make_shared<const PluginImage>(
        PluginImage{name, path, freeze(file, st.st_size, name, path)});
}

std::optional<FileMark> mark_of_plugin(const std::filesystem::path& dir, const std::string& name) {
    struct stat st {};
    if (::lstat((dir / (name + std::string(suffix))).c_str(), &st) != 0) return std::nullopt;
    const auto ns = [](const timespec& time) {
        return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    };
    return FileMark{st.st_dev, st.st_ino, st.st_size, ns(st.st_mtim), ns(st.st_ctim)};
}

bool is_same_code(const PluginImage& one, const PluginImage& other) {
    constexpr unsigned step = 65536;
    std::vector<char> here(step);
    std::vector<char> there(step);
    for (off_t at = 0;; at += off_t{step}) {
        const ssize_t n = ::pread(one.memory.value(), here.data(), step, at);
        if (n < 0 || ::pread(other.memory.value(), there.data(), step, at) != n) return false;
        if (!std::equal(here.begin(), here.begin() + n, there.begin())) return false;
        if (n < ssize_t{step}) return true;
    }
}

std::optional<std::string> plugin_name_of(std::string_view file) {
    if (!file.ends_with(suffix)) return std::nullopt;
    file.remove_suffix(suffix.size());
    return is_plain_name(file) ? std::optional<std::string>(file) : std::nullopt;
}

std::vector<std::string> plugin_names(const std::filesystem::path& dir) {
    std::error_code error;
    std::filesystem::directory_iterator entries(dir, error);
    if (error)
        throw PluginError(
            fmt::format("{}: cannot read the plugin directory: {}", dir.string(), error.message()));
    std::vector<std::string> names;
    for (const auto& entry : entries) {
        if (auto name = plugin_name_of(entry.path().filename().native()))
            names.push_back(std::move(*name));
    }
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace myq
