#include "config/section.hpp"

#include "config/duration.hpp"
#include "config/size.hpp"
#include "config/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace myq {

namespace {

using Kind = YamlNode::Kind;

template <typename T>
void check_range(const Value& value, std::string_view text, T number, Between<T> range,
                 std::string (*show)(T)) {
    if (number >= range.least && number <= range.most) return;
    value.refuse(fmt::format("{} is out of range: {} to {}", quoted(text), show(range.least),
                             show(range.most)));
}

template <typename T>
std::string plain_text(T number) {
    return fmt::to_string(number);
}

// The value of `text` by a function that throws std::invalid_argument.
template <typename T>
std::optional<T> parsed(const Value& value, std::string_view text, T (*parse)(std::string_view)) {
    try {
        return parse(text);
    } catch (const std::invalid_argument& e) {
        value.refuse(e.what());
        return std::nullopt;
    }
}

// Decimal only: in YAML 1.1 a leading 0 means octal, in YAML 1.2 it means nothing.
std::int64_t parse_number(std::string_view text) {
    const std::string_view magnitude = text.substr(text.starts_with('-') ? 1 : 0);
    const bool is_number =
        !magnitude.empty() && magnitude.find_first_not_of("0123456789") == std::string_view::npos;
    if (!is_number || (magnitude.size() > 1 && magnitude[0] == '0')) {
        throw std::invalid_argument(quoted(text) + " is not a whole decimal number");
    }
    std::int64_t number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) throw std::invalid_argument(quoted(text) + " is too large");
    return number;
}

}  // namespace

void Value::refuse_kind(std::string_view wanted) const {
    switch (node_->kind) {
    case Kind::null:
        return refuse(fmt::format("has no value: must be {}", wanted));
    case Kind::list:
        return refuse(fmt::format("must be {}, not a list", wanted));
    case Kind::map:
        return refuse(fmt::format("must be {}, not a map", wanted));
    case Kind::plain:
    case Kind::quoted:
        return refuse(fmt::format("must be {}, not a text", wanted));
    case Kind::broken:
        return;
    }
}

std::optional<std::string_view> Value::scalar(std::string_view wanted) const {
    if (node_->kind == Kind::plain || node_->kind == Kind::quoted) return node_->text;
    refuse_kind(wanted);
    return std::nullopt;
}

void decode(const Value& value, bool& field) {
    const auto text = value.scalar("true or false");
    if (!text) return;
    const bool is_plain = value.node().kind == Kind::plain;
    if (!is_plain || (*text != "true" && *text != "false")) {
        value.refuse(fmt::format("{} must be true or false{}", quoted(*text),
                                 is_plain ? "" : ", without quotes"));
        return;
    }
    field = *text == "true";
}

void decode(const Value& value, std::string& field, TextRule rule) {
    const auto text = value.scalar("a text");
    if (!text) return;
    const std::string_view reason = rule(*text);
    if (!reason.empty()) value.refuse(fmt::format("{} {}", quoted(*text), reason));
    field = *text;
}

void decode(const Value& value, std::filesystem::path& field) {
    const auto text = value.scalar("an absolute path");
    if (!text) return;
    if (!text->starts_with('/')) {
        value.refuse(fmt::format("{} must be an absolute path, from / on", quoted(*text)));
    }
    field = *text;
}

void decode(const Value& value, int& field, Between<int> range) {
    std::int64_t number = field;
    decode(value, number, Between<std::int64_t>{range.least, range.most});
    // Out of range it is refused, whatever the field then holds.
    field = static_cast<int>(std::clamp<std::int64_t>(number, range.least, range.most));
}

void decode(const Value& value, std::int64_t& field, Between<std::int64_t> range) {
    const auto text = value.scalar("a number");
    if (!text) return;
    const auto number = parsed(value, *text, parse_number);
    if (!number) return;
    check_range(value, *text, *number, range, plain_text<std::int64_t>);
    field = *number;
}

void decode(const Value& value, std::uint64_t& field, Between<std::uint64_t> range) {
    const auto text = value.scalar("a size such as 64KiB");
    if (!text) return;
    const auto size = parsed(value, *text, parse_size);
    if (!size) return;
    check_range(value, *text, *size, range, size_text);
    field = *size;
}

void decode(const Value& value, std::chrono::milliseconds& field,
            Between<std::chrono::milliseconds> range) {
    const auto text = value.scalar("a duration such as 30s");
    if (!text) return;
    const auto duration = parsed(value, *text, parse_duration);
    if (!duration) return;
    check_range(value, *text, *duration, range, duration_text);
    field = *duration;
}

void decode(const Value& value, mode_t& field, QuotedOctal) {
    const auto text = value.scalar("a quoted octal number such as \"0620\"");
    if (!text) return;
    const bool is_octal = !text->empty() && text->size() <= 4 &&
                          text->find_first_not_of("01234567") == std::string_view::npos;
    if (value.node().kind == Kind::plain) {
        // Unquoted, 0620 is 400 to one YAML reader and 620 to the next.
        value.refuse(fmt::format("{} must be in quotes, such as \"{}\"", quoted(*text),
                                 is_octal && text->starts_with('0') ? *text : "0620"));
        return;
    }
    unsigned mode = 0;
    std::from_chars(text->data(), text->data() + text->size(), mode, 8);
    if (!is_octal || mode > 0777) {
        value.refuse(fmt::format("{} is not a mode: write octal digits in quotes, from \"0000\" to "
                                 "\"0777\"",
                                 quoted(*text)));
        return;
    }
    field = mode;
}

std::optional<std::size_t> choose(const Value& value, std::span<const std::string_view> words) {
    const auto text = value.scalar(fmt::format("one of {}", fmt::join(words, ", ")));
    if (!text) return std::nullopt;
    const auto found = std::find(words.begin(), words.end(), *text);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    const auto meant = closest(*text, words);
    value.refuse(fmt::format("{} is not one of {}{}", quoted(*text), fmt::join(words, ", "),
                             meant ? fmt::format("; did you mean '{}'?", *meant) : ""));
    return std::nullopt;
}

Section::Section(const Value& value)
    : value_(value),
      is_map_(value.node().kind == Kind::map || value.node().kind == Kind::null) {
    if (!is_map_) value.refuse_kind("a map of keys and values");
}

Section::~Section() {
    for (const YamlNode& child : value_.node().children) {
        const bool is_known = std::find(known_.begin(), known_.end(), child.key) != known_.end();
        if (!is_map_ || is_known) continue;
        const auto meant = closest(child.key, known_);
        YamlNode key;
        key.key = child.key;
        key.mark = child.key_mark;
        value_.entry(key).refuse(
            meant ? fmt::format("unknown key; did you mean '{}'?", *meant)
                  : fmt::format("unknown key; known here: {}", fmt::join(known_, ", ")));
    }
}

void Section::refuse_missing(std::string_view name, std::string_view reason) const {
    if (!is_map_) return;
    YamlNode absent;
    absent.key = name;
    absent.mark = value_.node().mark;
    value_.entry(absent).refuse(reason);
}

std::optional<Value> Section::find(std::string_view name) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.push_back(name);
    if (!is_map_) return std::nullopt;
    const auto& children = value_.node().children;
    const auto child = std::find_if(children.begin(), children.end(),
                                    [&](const YamlNode& node) { return node.key == name; });
    if (child == children.end()) return std::nullopt;
    return value_.entry(*child);
}

}  // namespace myq
