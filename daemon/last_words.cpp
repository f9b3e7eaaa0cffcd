#include "daemon/last_words.hpp"

#include "daemon/code_map.hpp"
#include "daemon/unix/crash.hpp"

#include <fmt/format.h>

#include <cxxabi.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstring>
#include <exception>
#include <memory>
#include <typeinfo>

namespace myq {

namespace {

// What a signal handler finds can only be global.
struct Recorder {
    const SlotHeader* header = nullptr;
    SlotAutopsy* slot = nullptr;
    const std::vector<std::string>* facts = nullptr;
    std::size_t handler = 0;
    CodeMap code;
    std::array<char, 256> thrown{};  // what nobody caught
    std::terminate_handler terminate = nullptr;
};
Recorder recorder;

// Appends to the text in the slot: no allocation, nothing beyond its end, whole at any moment.
void say(const char* text, std::size_t size) {
    SlotAutopsy& slot = *recorder.slot;
    const std::size_t used = slot.text_size;
    if (used > slot.text.size()) return;
    const std::size_t fits = std::min(size, slot.text.size() - used);
    std::memcpy(slot.text.data() + used, text, fits);
    slot.text_size = static_cast<std::uint32_t>(used + fits);
}

void say(const char* text) {
    say(text, std::strlen(text));
}

void say_number(std::uint64_t number, unsigned base) {
    std::array<char, 24> digits{};
    std::size_t at = digits.size();
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    say(digits.data() + at, digits.size() - at);
}

// "#0 resize.so+0x1234": what addr2line(1) takes, whatever address the plugin was loaded at.
void say_frame(std::size_t number, const void* frame) {
    say("#");
    say_number(number, 10);
    const auto address = reinterpret_cast<std::uintptr_t>(frame);
    const CodeMap::Module* module = recorder.code.find(frame);
    say(" ");
    if (module != nullptr) {
        say(module->name.data(), module->name.size());
        say("+");
    }
    say("0x");
    say_number(module != nullptr ? address - module->base : address, 16);
    say("\n");
}

void note(const Crash& crash) {
    SlotAutopsy& slot = *recorder.slot;
    if (!crash.frames.empty()) {
        for (std::size_t i = 0; i < crash.frames.size(); ++i)
            say_frame(i, crash.frames[i]);
        return;
    }
    slot.text_size = 0;
    slot.signal = crash.signal;
    slot.code = crash.code;
    slot.address = crash.address;
    slot.crash_sequence = recorder.header->sequence;
    const std::string& facts = (*recorder.facts)[recorder.handler];
    say(facts.data(), facts.size());
    say(recorder.thrown.data());
}

std::string name_of(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    return name ? name.get() : type.name();
}

// Who throws where nobody catches: kept, and then as ever, which is abort(3).
void note_thrown() {
    std::string text = "std::terminate was called";
    if (const std::type_info* type = abi::__cxa_current_exception_type()) {
        text = "uncaught: " + name_of(*type);
        try {
            std::rethrow_exception(std::current_exception());
        } catch (const std::exception& e) {
            text += std::string(": ") + e.what();
        } catch (...) {  // it has no what()
        }
    }
    text = text.substr(0, recorder.thrown.size() - 2) + "\n";
    text.copy(recorder.thrown.data(), text.size());
    recorder.terminate();
}

bool looks_secret(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto has = [&](const char* word) { return text.find(word) != std::string::npos; };
    // Also "https://user:word@host".
    const std::size_t scheme = text.find("://");
    const bool has_user =
        scheme != std::string::npos && text.find('@', scheme) != std::string::npos;
    return has("passw") || has("secret") || has("token") || has("credential") || has("auth") ||
           has("api_key") || has("apikey") || has("private_key") || has_user;
}

// Of what has a name of its own, as a variable of an environment or a header of a request has, only
// that is shown: nobody knows which of them are secrets.
std::string shown_value(const std::string& option, const std::string& value) {
    constexpr const char* hidden = "(hidden)";
    if (looks_secret(option) || looks_secret(value)) return hidden;
    const bool has_names = option == "environment" || option == "headers";
    if (!has_names) return value;
    return value.substr(0, value.find_first_of("=:")) + " " + hidden;
}

std::string fault(const SlotAutopsy& slot) {
    const char* name = ::sigabbrev_np(slot.signal);
    std::string text =
        name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", slot.signal);
    const bool is_fault = slot.code > 0 && (slot.signal == SIGSEGV || slot.signal == SIGBUS ||
                                            slot.signal == SIGILL || slot.signal == SIGFPE);
    if (!is_fault) return text;
    const char* why = slot.signal != SIGSEGV     ? nullptr
                      : slot.code == SEGV_MAPERR ? "nothing is there"
                      : slot.code == SEGV_ACCERR ? "not permitted"
                                                 : nullptr;
    return fmt::format("{} at address {:#x}{}", text, slot.address,
                       why != nullptr ? fmt::format(": {}", why)
                                      : fmt::format(", code {}", slot.code));
}

}  // namespace

LastWords::LastWords(Slot& slot, const HandlerTable& handlers) {
    recorder.code.read();
    for (const LiveHandler& handler : handlers.all()) {
        const auto* entry = reinterpret_cast<const void*>(handler.plugin->handle);
        recorder.code.rename(entry, handler.config->plugin + ".so");
        const CodeMap::Module* module = recorder.code.find(entry);
        facts_.push_back(facts_of(handler, module != nullptr ? module->build_id : ""));
    }
    if (facts_.empty()) return;
    recorder.header = &slot.header();
    recorder.slot = &slot.autopsy();
    recorder.facts = &facts_;
    recorder.terminate = std::set_terminate(note_thrown);
    note_crashes(note);
}

void LastWords::begin(std::size_t handler) {
    recorder.handler = handler;
}

void LastWords::keep_line(int level, std::string_view text) {
    if (recorder.slot == nullptr) return;
    constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};
    constexpr std::size_t longest = 160;
    SlotAutopsy& slot = *recorder.slot;
    if (slot.log_sequence != recorder.header->sequence) {
        slot.log_size = 0;
        slot.log_sequence = recorder.header->sequence;
    }
    std::array<char, longest + 16> line{};
    const auto index = static_cast<std::size_t>(level);
    std::size_t size = (index < levels.size() ? levels.at(index) : "error").copy(line.data(), 8);
    line[size++] = ' ';
    size += text.copy(line.data() + size, longest);
    // One line is one record, whatever is in it.
    std::replace(line.data(), line.data() + size, '\n', ' ');
    line[size++] = '\n';
    std::size_t used = std::min<std::size_t>(slot.log_size, slot.log.size());
    while (used + size > slot.log.size()) {  // the oldest lines go
        const auto* end = static_cast<const char*>(std::memchr(slot.log.data(), '\n', used));
        const std::size_t gone =
            end == nullptr ? used : static_cast<std::size_t>(end + 1 - slot.log.data());
        used -= gone;
        std::memmove(slot.log.data(), slot.log.data() + gone, used);
    }
    std::memcpy(slot.log.data() + used, line.data(), size);
    slot.log_size = static_cast<std::uint32_t>(used + size);
}

std::string facts_of(const LiveHandler& handler, std::string_view build_id) {
    constexpr std::size_t longest = 512;
    std::string text = fmt::format("plugin {} {}", handler.plugin->name, handler.plugin->version);
    if (!build_id.empty()) text += fmt::format(", build id {}", build_id);
    text += "\n";
    for (const OptionConfig& option : handler.config->options) {
        std::string values;
        for (const std::string& value : option.values)
            values += " " + shown_value(option.name, value);
        std::string line = fmt::format("option {}:{}", option.name, values);
        // One option is one line, whatever is in it.
        std::replace(line.begin(), line.end(), '\n', ' ');
        text += line.substr(0, 120) + "\n";
    }
    if (text.size() > longest) text = text.substr(0, longest - 1) + "\n";
    return text;
}

std::string autopsy(Slot& slot, std::string_view cause, std::string_view facts) {
    const SlotAutopsy& words = slot.autopsy();
    std::string text = fmt::format("attempt {}: {}\n", slot.attempts(), cause);
    if (words.crash_sequence == slot.sequence()) {
        text += fault(words) + "\n";
        text.append(words.text.data(), words.text_size);
        if (!text.ends_with('\n')) text += "...\n";
    } else {
        text += facts;
    }
    if (words.log_sequence != slot.sequence()) return text;
    std::string_view lines(words.log.data(), words.log_size);
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find('\n'));
        text += fmt::format("log {}\n", line);
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    }
    return text;
}

}  // namespace myq
