#include "php/value.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

namespace myq::php {

bool is_array_number(std::string_view text, std::int64_t& number) {
    constexpr std::size_t longest = 20;  // "-9223372036854775808"
    if (text.empty() || text.size() > longest) return false;
    const std::size_t sign = text.front() == '-' ? 1 : 0;
    if (text.size() == sign) return false;
    const char first = text[sign];
    if (first < '0' || first > '9') return false;
    if (first == '0' && text.size() > 1) return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

Key::Key(std::string_view text) : Packed(number_tag) {
    if (std::int64_t number = 0; is_array_number(text, number)) {
        make(number_tag, number);
    } else {
        make_text(text);
    }
}

Key::Key(const Key& other) : Packed(number_tag) {
    if (other.is_number()) {
        make(number_tag, other.number());
    } else {
        make_text(other.text());
    }
}

Key Key::name(std::string_view text) {
    Key key;
    key.make_text(text);
    return key;
}

bool operator==(const Key& one, const Key& two) {
    if (one.is_number() != two.is_number()) return false;
    return one.is_number() ? one.number() == two.number() : one.text() == two.text();
}

Value::Value(Array array) : Packed(null_tag) {
    make(array_tag, std::make_unique<Array>(std::move(array)).release());
}

Value::Value(Object object) : Packed(null_tag) {
    make(object_tag, std::make_unique<Object>(std::move(object)).release());
}

Value::Value(const Value& other) : Packed(null_tag) {
    if (const auto text = other.text()) {
        make_text(*text);
    } else if (const Array* array = other.array()) {
        make(array_tag, std::make_unique<Array>(*array).release());
    } else if (const Object* object = other.object()) {
        make(object_tag, std::make_unique<Object>(*object).release());
    } else {
        copy_bytes(other);
    }
}

void Value::release() noexcept {
    if (tag() == long_text) return free_long_text();
    if (Array* mine = array()) return std::default_delete<Array>()(mine);
    std::default_delete<Object>()(object());
}

Value::Kind Value::kind() const {
    switch (tag()) {
    case null_tag:
        return Kind::null;
    case boolean_tag:
        return Kind::boolean;
    case integer_tag:
        return Kind::integer;
    case real_tag:
        return Kind::real;
    case array_tag:
    case lent_array_tag:
        return Kind::array;
    case object_tag:
    case lent_object_tag:
        return Kind::object;
    case variable_tag:
    case handle_tag:
        return Kind::reference;
    default:
        return Kind::text;
    }
}

std::optional<bool> Value::boolean() const {
    if (tag() != boolean_tag) return std::nullopt;
    return load<bool>();
}

std::optional<std::int64_t> Value::integer() const {
    if (tag() != integer_tag) return std::nullopt;
    return load<std::int64_t>();
}

std::optional<double> Value::real() const {
    if (tag() != real_tag) return std::nullopt;
    return load<double>();
}

std::optional<std::string_view> Value::text() const {
    if (!is_text()) return std::nullopt;
    return Packed::text();
}

std::optional<Reference> Value::reference() const {
    if (tag() != variable_tag && tag() != handle_tag) return std::nullopt;
    return Reference{tag() == variable_tag ? Reference::Kind::variable : Reference::Kind::object,
                     load<std::uint64_t>()};
}

bool operator==(const Value& one, const Value& two) {
    if (one.kind() != two.kind()) return false;
    switch (one.kind()) {
    case Value::Kind::null:
        return true;
    case Value::Kind::boolean:
        return one.boolean() == two.boolean();
    case Value::Kind::integer:
        return one.integer() == two.integer();
    case Value::Kind::real:
        return one.real() == two.real();
    case Value::Kind::text:
        return one.text() == two.text();
    case Value::Kind::array:
        return *one.array() == *two.array();
    case Value::Kind::object:
        return *one.object() == *two.object();
    case Value::Kind::reference:
        return one.reference() == two.reference();
    }
    return false;
}

const Value* Array::find(const Key& key) const {
    const auto entry =
        std::ranges::find_if(entries, [&](const Entry& each) { return each.key == key; });
    return entry == entries.end() ? nullptr : &entry->value;
}

Value& Array::set(Key key, Value value) {
    const auto entry =
        std::ranges::find_if(entries, [&](const Entry& each) { return each.key == key; });
    if (entry != entries.end()) return entry->value = std::move(value);
    return entries.emplace_back(Entry{std::move(key), std::move(value)}).value;
}

Value& Array::push(Value value) {
    return entries.emplace_back(Entry{static_cast<std::int64_t>(entries.size()), std::move(value)})
        .value;
}

bool Array::is_list() const {
    std::int64_t expected = 0;
    return std::ranges::all_of(entries, [&](const Entry& entry) {
        return entry.key.is_number() && entry.key.number() == expected++;
    });
}

bool operator==(const Array& one, const Array& two) {
    return one.entries == two.entries;
}

}  // namespace myq::php
