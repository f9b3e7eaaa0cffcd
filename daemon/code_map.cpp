#include "daemon/code_map.hpp"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace myq {

namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < size; ++i) {
        text += digits[bytes[i] >> 4U];
        text += digits[bytes[i] & 0xFU];
    }
    return text;
}

// The notes of a segment, each a head, a name and a description; the latter two padded to four.
std::string build_id_in(const char* notes, std::size_t size) {
    constexpr std::string_view owner{"GNU\0", 4};
    const auto padded = [](std::size_t length) { return (length + 3) / 4 * 4; };
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) head{};
        std::memcpy(&head, notes, sizeof head);
        const std::size_t whole = sizeof head + padded(head.n_namesz) + padded(head.n_descsz);
        if (whole > size) break;
        const char* name = notes + sizeof head;
        if (head.n_type == NT_GNU_BUILD_ID && std::string_view(name, head.n_namesz) == owner) {
            return hex(reinterpret_cast<const unsigned char*>(name + padded(head.n_namesz)),
                       head.n_descsz);
        }
        notes += whole;
        size -= whole;
    }
    return {};
}

CodeMap::Module module_of(const dl_phdr_info& info) {
    CodeMap::Module module;
    module.base = info.dlpi_addr;
    module.begin = UINTPTR_MAX;
    for (std::size_t i = 0; i < info.dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = info.dlpi_phdr[i];
        const std::uintptr_t at = info.dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD) {
            module.begin = std::min(module.begin, at);
            module.end = std::max(module.end, at + segment.p_memsz);
        } else if (segment.p_type == PT_NOTE && module.build_id.empty()) {
            module.build_id = build_id_in(reinterpret_cast<const char*>(at),  // NOLINT
                                          segment.p_memsz);
        }
    }
    const std::string_view name = info.dlpi_name;
    module.name = name.empty() ? "myqd" : std::filesystem::path(name).filename().string();
    return module;
}

}  // namespace

void CodeMap::read() {
    count_ = 0;
    dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* self) {
            auto& map = *static_cast<CodeMap*>(self);
            if (map.count_ == most_modules) return 1;
            map.modules_[map.count_++] = module_of(*info);
            return 0;
        },
        this);
}

const CodeMap::Module* CodeMap::find(const void* address) const {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    for (std::size_t i = 0; i < count_; ++i) {
        if (at >= modules_[i].begin && at < modules_[i].end) return &modules_[i];
    }
    return nullptr;
}

void CodeMap::rename(const void* address, const std::string& name) {
    for (std::size_t i = 0; i < count_; ++i) {
        if (find(address) == &modules_[i]) modules_[i].name = name;
    }
}

}  // namespace myq
