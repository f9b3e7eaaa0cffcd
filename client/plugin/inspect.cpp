#include "client/plugin/inspect.hpp"

#include "client/plugin/elf.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace myq {

namespace {

using doctor::Findings;
using doctor::Severity;

constexpr off_t largest_inspected = off_t{256} << 20U;  // as the daemon's
constexpr const char* entry_name = "myq_plugin_entry";

// The bytes of a regular file that is not too large; nullopt for anything else.
std::optional<std::string> bytes_of(const std::filesystem::path& file) {
    // O_NONBLOCK: a FIFO must not wait for its writer.
    const int fd = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat st {};
    std::optional<std::string> bytes;
    if (fd >= 0 && ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size <= largest_inspected) {
        bytes.emplace(static_cast<std::size_t>(st.st_size), '\0');
        std::size_t done = 0;
        for (ssize_t n = 1; n > 0 && done < bytes->size(); done += static_cast<std::size_t>(n)) {
            n = ::read(fd, bytes->data() + done, bytes->size() - done);
            if (n < 0) n = 0;
        }
        bytes->resize(done);
    }
    if (fd >= 0) ::close(fd);
    return bytes;
}

// "a, b, c and 7 more"
std::string some_of(const std::vector<std::string>& names) {
    constexpr std::size_t most = 3;
    const std::size_t shown = std::min(most, names.size());
    const std::span<const std::string> first(names.data(), shown);
    if (shown == names.size()) return fmt::format("{}", fmt::join(first, ", "));
    return fmt::format("{} and {} more", fmt::join(first, ", "), names.size() - shown);
}

void look_at_symbols(const ElfFacts& elf, Findings& findings) {
    std::vector<std::string> others = elf.exported;
    std::erase(others, entry_name);
    if (others.size() == elf.exported.size()) {
        findings.push_back({Severity::error, "entry",
                            fmt::format("no {}() is exported", entry_name),
                            "include <myq/plugin.h>, which declares it visible, and define it"});
    }
    if (!others.empty()) {
        findings.push_back({Severity::warning, "symbols",
                            fmt::format("it exports more than its entry: {}", some_of(others)),
                            "build it with myq_add_plugin(), or with a linker's version script"});
    }
    if (!elf.unique.empty()) {
        findings.push_back(
            {Severity::warning, "symbols",
             fmt::format("unique symbols are shared with every other plugin in the worker: {}",
                         some_of(elf.unique)),
             "build it with myq_add_plugin(), or with -fno-gnu-unique"});
    }
    if (others.empty() && elf.unique.empty() && !elf.exported.empty())
        findings.push_back({Severity::fine, "symbols", "only its entry is exported", ""});
}

// What loads, and makes every handler in the same worker less safe.
void look_at_memory(const ElfFacts& elf, Findings& findings) {
    if (elf.has_executable_stack) {
        findings.push_back({Severity::warning, "stack",
                            "it makes the stack of its worker executable",
                            "link with -Wl,-z,noexecstack; look for assembly without a "
                            ".note.GNU-stack section"});
    }
    if (elf.has_text_relocations) {
        findings.push_back({Severity::warning, "code",
                            "its code is written to when it is loaded (text relocations)",
                            "compile every part of it with -fPIC"});
    }
    if (elf.run_path) {
        findings.push_back(
            {Severity::warning, "libraries",
             fmt::format("they are looked for in '{}' first (RPATH): whoever may write there has "
                         "the rights of the daemon",
                         *elf.run_path),
             "install it with 'cmake --install', or remove the path with 'chrpath -d'"});
    }
}

void give_hints(const ElfFacts& elf, Findings& findings) {
    if (!elf.has_relro || !elf.binds_now) {
        findings.push_back({Severity::hint, "code",
                            "its tables of addresses stay writable (no full RELRO)",
                            "link with -Wl,-z,relro,-z,now"});
    }
    if (!elf.has_build_id) {
        findings.push_back({Severity::hint, "code", "nothing in it tells one build from another",
                            "link with -Wl,--build-id"});
    }
    std::vector<std::string> enders;
    for (const char* name : {"exit", "_exit", "_Exit", "quick_exit"}) {
        if (std::ranges::find(elf.imported, name) != elf.imported.end()) enders.emplace_back(name);
    }
    if (!enders.empty()) {
        findings.push_back(
            {Severity::hint, "calls",
             fmt::format("it can end its worker: it calls {}; a message in hand is tried again",
                         some_of(enders)),
             "return from the handler instead, except in a child that it forked"});
    }
}

}  // namespace

Findings inspect_plugin(const std::filesystem::path& file) {
    const auto bytes = bytes_of(file);
    Findings findings;
    if (!bytes) return findings;
    try {
        const ElfFacts elf = read_elf(*bytes);
        look_at_symbols(elf, findings);
        look_at_memory(elf, findings);
        give_hints(elf, findings);
    } catch (const std::runtime_error& e) {
        findings.push_back({Severity::error, "file", e.what(),
                            "build it again with myq_add_plugin(), and copy it whole"});
    }
    return findings;
}

}  // namespace myq
