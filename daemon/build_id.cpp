#include "daemon/build_id.hpp"

#include <fmt/format.h>

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace myq {

namespace {

constexpr std::size_t most_segments = 64;
constexpr std::size_t largest_notes = 65536;
constexpr std::size_t longest_id = 64;

template <typename Struct>
std::optional<Struct> read_at(const PluginImage& image, std::uint64_t offset) {
    Struct value{};
    const ssize_t n =
        ::pread(image.memory.value(), &value, sizeof value, static_cast<off_t>(offset));
    return n == ssize_t{sizeof value} ? std::optional(value) : std::nullopt;
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes)
        text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

}  // namespace

// Each note is a head, a name and what it is about, the latter two filled up to four bytes.
std::string build_id_in(std::string_view notes) {
    const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
    while (notes.size() >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr head{};
        std::memcpy(&head, notes.data(), sizeof head);
        notes.remove_prefix(sizeof head);
        const std::size_t name = padded(head.n_namesz);
        if (name > notes.size() || head.n_descsz > notes.size() - name) return {};
        const std::string_view id = notes.substr(name, head.n_descsz);
        const bool is_gnu = notes.substr(0, head.n_namesz) == std::string_view("GNU\0", 4);
        if (is_gnu && head.n_type == NT_GNU_BUILD_ID && id.size() <= longest_id) return hex(id);
        notes.remove_prefix(std::min(notes.size(), name + padded(head.n_descsz)));
    }
    return {};
}

std::string build_id(const PluginImage& image) {
    const auto file = read_at<Elf64_Ehdr>(image, 0);
    if (!file || file->e_phentsize != sizeof(Elf64_Phdr)) return {};
    for (std::size_t i = 0; i < std::min<std::size_t>(file->e_phnum, most_segments); ++i) {
        const auto segment = read_at<Elf64_Phdr>(image, file->e_phoff + i * sizeof(Elf64_Phdr));
        if (!segment || segment->p_type != PT_NOTE || segment->p_filesz > largest_notes) continue;
        std::vector<char> notes(segment->p_filesz);
        const ssize_t n = ::pread(image.memory.value(), notes.data(), notes.size(),
                                  static_cast<off_t>(segment->p_offset));
        if (n != static_cast<ssize_t>(notes.size())) continue;
        if (std::string id = build_id_in({notes.data(), notes.size()}); !id.empty()) return id;
    }
    return {};
}

}  // namespace myq
