#include "daemon/code_map.hpp"

#include "daemon/build_id.hpp"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace myq {

namespace {

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
            module.build_id = build_id_in({reinterpret_cast<const char*>(at),  // NOLINT
                                           segment.p_memsz});
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
