#include "client/plugin/elf.hpp"

#include <fmt/format.h>

#include <gelf.h>

#include <memory>
#include <stdexcept>

namespace myq {

namespace {

// libelf's reader, which checks what it follows against the size of the file.
class ElfReader {
public:
    explicit ElfReader(std::string_view bytes) {
        ::elf_version(EV_CURRENT);
        // It takes char*, and writes only where it is asked to.
        elf_.reset(::elf_memory(const_cast<char*>(bytes.data()), bytes.size()));  // NOLINT
        GElf_Ehdr head{};
        if (::elf_kind(elf_.get()) != ELF_K_ELF || ::gelf_getehdr(elf_.get(), &head) == nullptr ||
            head.e_type != ET_DYN)
            throw std::runtime_error("it is not a shared object (ELF)");
    }

    ElfFacts facts() {
        read_segments();
        for (Elf_Scn* section = ::elf_nextscn(elf_.get(), nullptr); section != nullptr;
             section = ::elf_nextscn(elf_.get(), section))
            read_section(section);
        if (!has_symbols_) throw std::runtime_error("its table of symbols cannot be read");
        return facts_;
    }

private:
    struct End {
        void operator()(Elf* elf) const { ::elf_end(elf); }
    };

    [[noreturn]] static void damaged() {
        throw std::runtime_error(fmt::format("it is damaged: {}", ::elf_errmsg(-1)));
    }

    void read_segments() {
        std::size_t count = 0;
        if (::elf_getphdrnum(elf_.get(), &count) != 0) damaged();
        facts_.has_executable_stack = true;  // without a word about it
        for (std::size_t i = 0; i < count; ++i) {
            GElf_Phdr segment{};
            if (::gelf_getphdr(elf_.get(), static_cast<int>(i), &segment) == nullptr) damaged();
            if (segment.p_type == PT_GNU_RELRO) facts_.has_relro = true;
            if (segment.p_type == PT_GNU_STACK)
                facts_.has_executable_stack = (segment.p_flags & PF_X) != 0;
        }
    }

    void read_section(Elf_Scn* section) {
        GElf_Shdr head{};
        if (::gelf_getshdr(section, &head) == nullptr) damaged();
        const bool is_wanted =
            head.sh_type == SHT_DYNSYM || head.sh_type == SHT_DYNAMIC || head.sh_type == SHT_NOTE;
        if (!is_wanted) return;
        Elf_Data* data = ::elf_getdata(section, nullptr);
        if (data == nullptr) damaged();
        if (head.sh_type == SHT_DYNSYM) read_symbols(data, head);
        if (head.sh_type == SHT_DYNAMIC) read_dynamic(data, head);
        if (head.sh_type == SHT_NOTE) read_notes(data);
    }

    void read_symbols(Elf_Data* data, const GElf_Shdr& head) {
        has_symbols_ = true;
        GElf_Sym symbol{};
        for (int i = 1; ::gelf_getsym(data, i, &symbol) != nullptr; ++i) {
            const unsigned bind = GELF_ST_BIND(symbol.st_info);
            if (bind == STB_LOCAL) continue;
            const std::string name = text(head.sh_link, symbol.st_name);
            if (symbol.st_shndx == SHN_UNDEF) {
                facts_.imported.push_back(name);
            } else if (bind == STB_GNU_UNIQUE) {
                facts_.unique.push_back(name);
            } else {
                facts_.exported.push_back(name);
            }
        }
    }

    void read_dynamic(Elf_Data* data, const GElf_Shdr& head) {
        GElf_Dyn entry{};
        for (int i = 0; ::gelf_getdyn(data, i, &entry) != nullptr; ++i) {
            const auto flags = entry.d_un.d_val;
            switch (entry.d_tag) {
            case DT_NULL:
                return;
            case DT_TEXTREL:
                facts_.has_text_relocations = true;
                break;
            case DT_BIND_NOW:
                facts_.binds_now = true;
                break;
            case DT_FLAGS:
                facts_.has_text_relocations |= (flags & DF_TEXTREL) != 0;
                facts_.binds_now |= (flags & DF_BIND_NOW) != 0;
                break;
            case DT_FLAGS_1:
                facts_.binds_now |= (flags & DF_1_NOW) != 0;
                break;
            case DT_RPATH:
            case DT_RUNPATH:
                facts_.run_path = text(head.sh_link, flags);
                break;
            default:
                break;
            }
        }
    }

    void read_notes(Elf_Data* data) {
        GElf_Nhdr note{};
        std::size_t name = 0;
        std::size_t description = 0;
        for (std::size_t at = 0; (at = ::gelf_getnote(data, at, &note, &name, &description)) > 0;) {
            if (note.n_type == NT_GNU_BUILD_ID && note.n_descsz > 0) facts_.has_build_id = true;
        }
    }

    std::string text(std::size_t table, std::size_t at) {
        const char* found = ::elf_strptr(elf_.get(), table, at);
        if (found == nullptr) damaged();
        return found;
    }

    std::unique_ptr<Elf, End> elf_;
    ElfFacts facts_;
    bool has_symbols_ = false;
};

}  // namespace

ElfFacts read_elf(std::string_view bytes) {
    return ElfReader(bytes).facts();
}

}  // namespace myq
