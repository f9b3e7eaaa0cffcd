#include "php/json.hpp"

#include "ipc/printable.hpp"
#include "php/double_text.hpp"
#include "php/unserialize.hpp"
#include "php/utf8.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace myq::php {

namespace {

const Entries* children(const Value& value) {
    if (const auto* array = value.array()) return &array->entries;
    if (const auto* object = value.object()) return &object->properties.entries;
    return nullptr;
}

std::string text_of(const Key& key) {
    return key.is_number() ? std::to_string(key.number()) : std::string(key.text());
}

// Not for who is outside of the class.
bool is_hidden(const Key& name) {
    return !name.is_number() && name.text().starts_with('\0');
}

// Every value by its slot.
void number_slots(const Value& value, std::vector<const Value*>& slots, std::size_t depth) {
    const auto reference = value.reference();
    if (!reference || reference->kind == Reference::Kind::object) slots.push_back(&value);
    const Entries* const entries = children(value);
    if (!entries || depth == 0) return;
    for (const Entry& entry : *entries)
        number_slots(entry.value, slots, depth - 1);
}

class Writer {
public:
    Writer(const Value& root, const JsonOptions& options)
        : root_(root),
          options_(options),
          depth_(std::min(options.depth, most_levels)) {}

    std::string write() && {
        any(root_);
        return std::move(json_);
    }

private:
    [[noreturn]] void fail(const std::string& what) const;
    void any(const Value& value);
    void real(double number);
    void array(const Value& value, const Array& array);
    void object(const Value& value, const Object& object);
    void reference(const Reference& reference);
    void quoted(std::string_view bytes);
    void escaped(char byte);
    void open(const Value& value, char bracket);
    void close(char bracket);
    void member(const Entry& entry, bool is_first);
    void properties(const Value& value, const Object& object);
    void check_size() const { check_room(0); }
    void check_room(std::size_t more) const;

    const Value& root_;
    const JsonOptions& options_;
    std::size_t depth_;
    std::string json_;
    std::size_t hidden_ = 0;  // what was passed over: it takes time as what is written does
    std::vector<const Key*> path_;
    std::vector<const Value*> open_;
    std::vector<const Value*> slots_;  // when the first reference has been met
};

void Writer::fail(const std::string& what) const {
    std::string where;
    for (const Key* key : path_) {
        where += '[';
        where += key->is_number() ? text_of(*key) : '"' + printable(key->text()) + '"';
        where += ']';
    }
    throw JsonError("to JSON: " + (where.empty() ? "the value" : where) + ": " + what);
}

void Writer::check_room(std::size_t more) const {
    const std::size_t size = json_.size() + hidden_;
    if (size <= options_.size && more <= options_.size - size) return;
    fail("the JSON is longer than the " + std::to_string(options_.size) +
         " bytes that are allowed; send less, or take the body as it is");
}

void Writer::any(const Value& value) {
    switch (value.kind()) {
    case Value::Kind::null:
        json_ += "null";
        break;
    case Value::Kind::boolean:
        json_ += *value.boolean() ? "true" : "false";
        break;
    case Value::Kind::integer:
        json_ += std::to_string(*value.integer());
        break;
    case Value::Kind::real:
        real(*value.real());
        break;
    case Value::Kind::text:
        quoted(*value.text());
        break;
    case Value::Kind::array:
        array(value, *value.array());
        break;
    case Value::Kind::object:
        object(value, *value.object());
        break;
    case Value::Kind::reference:
        reference(*value.reference());
        break;
    }
    check_size();
}

void Writer::real(double number) {
    if (!std::isfinite(number)) fail("JSON has no INF or NAN; send null or a string instead");
    const std::size_t begin = json_.size();
    append_double(json_, number, 'e');
    if (json_.find('.', begin) == std::string::npos) json_ += ".0";
}

void Writer::escaped(char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    switch (byte) {
    case '"':
    case '\\':
        json_ += '\\';
        json_ += byte;
        return;
    case '\b':
        json_ += "\\b";
        return;
    case '\f':
        json_ += "\\f";
        return;
    case '\n':
        json_ += "\\n";
        return;
    case '\r':
        json_ += "\\r";
        return;
    case '\t':
        json_ += "\\t";
        return;
    default:
        json_ += "\\u00";
        json_ += digits[static_cast<unsigned char>(byte) >> 4U];
        json_ += digits[static_cast<unsigned char>(byte) & 0xFU];
    }
}

void Writer::quoted(std::string_view bytes) {
    if (const auto wrong = find_non_utf8(bytes)) {
        fail("not UTF-8 from byte " + std::to_string(*wrong) +
             " on, which JSON cannot hold; send it as base64, or take the body as it is");
    }
    json_ += '"';
    const auto must_escape = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
    };
    while (!bytes.empty()) {
        std::size_t plain = 0;
        while (plain < bytes.size() && !must_escape(bytes[plain]))
            ++plain;
        check_room(plain);
        json_ += bytes.substr(0, plain);
        bytes.remove_prefix(plain);
        if (bytes.empty()) break;
        escaped(bytes.front());
        bytes.remove_prefix(1);
    }
    json_ += '"';
}

void Writer::open(const Value& value, char bracket) {
    if (open_.size() >= depth_) {
        fail("nested deeper than the " + std::to_string(depth_) +
             " levels that are allowed; make it flatter, or take the body as it is");
    }
    open_.push_back(&value);
    json_ += bracket;
}

void Writer::close(char bracket) {
    json_ += bracket;
    open_.pop_back();
}

void Writer::array(const Value& value, const Array& array) {
    const bool is_list = array.is_list();
    open(value, is_list ? '[' : '{');
    bool is_first = true;
    for (const Entry& entry : array.entries) {
        if (is_list) {
            if (!is_first) json_ += ',';
            path_.push_back(&entry.key);
            any(entry.value);
            path_.pop_back();
        } else {
            member(entry, is_first);
        }
        is_first = false;
    }
    close(is_list ? ']' : '}');
}

void Writer::member(const Entry& entry, bool is_first) {
    if (!is_first) json_ += ',';
    path_.push_back(&entry.key);
    quoted(text_of(entry.key));
    json_ += ':';
    any(entry.value);
    path_.pop_back();
}

void Writer::properties(const Value& value, const Object& object) {
    open(value, '{');
    bool is_first = true;
    if (!options_.class_member.empty()) {
        quoted(options_.class_member);
        json_ += ':';
        quoted(object.class_name);
        is_first = false;
    }
    for (const Entry& entry : object.properties.entries) {
        if (is_hidden(entry.key)) {
            ++hidden_;
            check_size();
            continue;
        }
        if (!is_first && text_of(entry.key) == options_.class_member) {
            fail("a property has the name that its class should get; choose another class_member");
        }
        member(entry, is_first);
        is_first = false;
    }
    close('}');
}

void Writer::object(const Value& value, const Object& object) {
    switch (object.form) {
    case Object::Form::plain:
        return properties(value, object);
    case Object::Form::custom:
        fail("only the class " + printable(object.class_name) +
             " understands the bytes of its objects; send an array, or take the body as it is");
    case Object::Form::enumeration:
        return quoted(object.class_name + "::" + object.payload);
    }
}

void Writer::reference(const Reference& reference) {
    if (slots_.empty()) number_slots(root_, slots_, most_levels);
    if (reference.slot == 0 || reference.slot > slots_.size() ||
        slots_[reference.slot - 1]->reference()) {
        fail("a reference to slot " + std::to_string(reference.slot) +
             ", where no value is; give the slot of one");
    }
    const Value* const target = slots_[reference.slot - 1];
    if (std::ranges::find(open_, target) != open_.end()) {
        fail("refers to something that it is within itself, which JSON cannot hold; break the "
             "circle before sending");
    }
    any(*target);
}

}  // namespace

std::string to_json(const Value& value, const JsonOptions& options) {
    return Writer(value, options).write();
}

}  // namespace myq::php
