// The decoders of PHP's values and of JSON on any bytes: they never crash, what they take is
// written as a text that means the same, and a value that is written is read again.
#include "php/json.hpp"
#include "php/serialize.hpp"
#include "php/unserialize.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace myq::php;

namespace {

void must(bool holds) {
    if (!holds) __builtin_trap();
}

std::optional<std::string> json_of(const Value& value) {
    try {
        return to_json(value, {.size = 100'000, .class_member = "class"});
    } catch (const JsonError&) {
        return std::nullopt;
    }
}

void check_json(std::string_view json) {
    try {
        const std::string text = serialize(from_json(json).value());
        must(serialize(unserialize(text).value()) == text);
    } catch (const JsonError&) {
    }
}

void check_limits(std::string_view text, const Unserialized& all) {
    const Unserialized shallow = unserialize(text, {.depth = 3});
    must(!shallow || all);
    if (shallow) must(serialize(shallow.value()) == serialize(all.value()));
    must(!unserialize(text, {.size = text.size() - 1}));
    const Unserialized alone = unserialize(text.substr(0, all.size));
    must(!all || (alone && alone.size == all.size));
}

void check(std::string_view text) {
    const Unserialized all = unserialize(text);
    if (!text.empty()) check_limits(text, all);
    if (!all) {
        must(all.fault->offset <= text.size() && all.fault->what[0] != '\0');
        must(all.value().is_null());
        return;
    }
    must(all.size <= text.size());
    const std::string written = serialize(all.value());
    const Unserialized again = unserialize(written);
    must(again && again.size == written.size());
    must(serialize(again.value()) == written);
    must(serialize(Value(all.value())) == written);
    const auto json = json_of(all.value());
    must(json == json_of(again.value()));
    if (json) check_json(*json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check(bytes);
    check_json(bytes);
    return 0;
}
