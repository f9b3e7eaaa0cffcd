#include "php/unserialize.hpp"

#include "php/key_index.hpp"
#include "php/references.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace myq::php {

namespace {

// The shortest element there is: "i:0;N;".
constexpr std::size_t least_element = 6;

// An array or an object whose end has not been reached.
struct ReadFrame {
    Entries* entries = nullptr;
    std::size_t left = 0;  // elements still to come
    bool is_object = false;
    KeyIndex index{};
};

bool is_class_name(std::string_view name) {
    const auto belongs = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '\\' || static_cast<unsigned char>(c) >= 0x80;
    };
    return !name.empty() && name.front() != '\\' && std::ranges::all_of(name, belongs);
}

class Decoder {
public:
    // Without `references` the first reference in the text is where it stops.
    Decoder(std::string_view text, const Limits& limits, Arena& arena, References* references)
        : scan_(text),
          arena_(arena),
          levels_(std::min(limits.depth, most_levels)),
          elements_left_(limits.elements),
          references_(references) {}

    bool decode(Value& root);
    bool settle(Value& root);  // behind decode() with references
    bool wants_references() const { return wants_references_; }
    std::size_t offset() const { return scan_.offset(); }
    const Fault& fault() const { return scan_.fault(); }

private:
    bool read_value(Value& place);
    bool read_boolean(Value& place);
    bool read_integer(Value& place);
    bool read_double(Value& place);
    bool read_string(Value& place);
    bool read_escaped(Value& place);
    bool read_array(Value& place);
    bool read_class(Object& object);
    bool read_object(Value& place);
    bool read_custom(Value& place);
    bool read_enumeration(Value& place);
    bool read_reference(Value& place, Reference::Kind kind);
    bool open(Entries& entries, std::size_t count, bool is_object);
    bool close_finished();
    bool read_key(KeyView& key);
    Value* next_place();

    Scanner scan_;
    Arena& arena_;
    std::size_t levels_;
    std::size_t elements_left_;
    References* references_;
    bool wants_references_ = false;
    std::vector<ReadFrame> frames_;
    // Elements that the open frames still wait for: all of them must fit into what is left of the
    // text, or a short text could ask for much memory at each of its levels.
    std::size_t owed_ = 0;
    std::string escaped_;  // the last S: key
};

bool Decoder::decode(Value& root) {
    if (!read_value(root)) return false;
    for (;;) {
        if (!close_finished()) return false;
        if (frames_.empty()) return true;
        Value* const place = next_place();
        if (!place || !read_value(*place)) return false;
    }
}

bool Decoder::settle(Value& root) {
    return references_->settle(root, levels_) ||
           scan_.expected("its references make it nested too deep");
}

bool Decoder::read_value(Value& place) {
    const char tag = scan_.next();
    if (references_ && tag != 'R') references_->visited(place);
    switch (tag) {
    case 'N':
        return scan_.take("N;", "expected ';' behind N");
    case 'b':
        return read_boolean(place);
    case 'i':
        return read_integer(place);
    case 'd':
        return read_double(place);
    case 's':
        return read_string(place);
    case 'S':
        return read_escaped(place);
    case 'a':
        return read_array(place);
    case 'O':
        return read_object(place);
    case 'C':
        return read_custom(place);
    case 'E':
        return read_enumeration(place);
    case 'R':
        return read_reference(place, Reference::Kind::variable);
    case 'r':
        return read_reference(place, Reference::Kind::object);
    default:
        return scan_.expected("expected a value: one of N b i d s S a O C E R r");
    }
}

bool Decoder::read_boolean(Value& place) {
    if (!scan_.take_tag()) return false;
    const char digit = scan_.next();
    if (digit != '0' && digit != '1') return scan_.expected("expected 0 or 1 for a boolean");
    place = digit == '1';
    return scan_.take(digit, "") && scan_.take(';', "expected ';' behind the boolean");
}

bool Decoder::read_integer(Value& place) {
    std::int64_t number = 0;
    if (!scan_.take_tag() || !scan_.take_integer(number)) return false;
    place = number;
    return scan_.take(';', "expected ';' behind the integer");
}

bool Decoder::read_double(Value& place) {
    double number = 0;
    if (!scan_.take_tag() || !scan_.take_double(number)) return false;
    place = number;
    return scan_.take(';', "expected ';' behind the number");
}

bool Decoder::read_string(Value& place) {
    std::string_view bytes;
    if (!scan_.take_tag() || !scan_.take_quoted(bytes) ||
        !scan_.take(';', "expected ';' behind the string")) {
        return false;
    }
    arena_.set_text(place, bytes);
    return true;
}

bool Decoder::read_escaped(Value& place) {
    std::string bytes;
    if (!scan_.take_tag() || !scan_.take_escaped(bytes) ||
        !scan_.take(';', "expected ';' behind the string")) {
        return false;
    }
    arena_.set_text(place, bytes);
    return true;
}

bool Decoder::read_array(Value& place) {
    std::size_t count = 0;
    if (!scan_.take_tag() || !scan_.take_length(count) ||
        !scan_.take(":{", "expected ':{' behind the number of elements")) {
        return false;
    }
    Array& array = arena_.set_array(place);
    // As in PHP, an empty one may be a level deeper.
    if (count == 0) return scan_.take('}', "expected '}' of an empty array");
    return open(array.entries, count, false);
}

// LENGTH:"NAME" and the ':' behind it.
bool Decoder::read_class(Object& object) {
    const std::size_t quoted_at = scan_.offset();
    std::string_view name;
    if (!scan_.take_quoted(name)) return false;
    if (!is_class_name(name)) return scan_.fail_at(quoted_at, "expected the name of a class");
    object.class_name = name;
    return scan_.take(':', "expected ':' behind the name of the class");
}

bool Decoder::read_object(Value& place) {
    Object& object = arena_.set_object(place);
    std::size_t count = 0;
    return scan_.take_tag() && read_class(object) && scan_.take_loose_length(count) &&
           scan_.take(":{", "expected ':{' behind the number of properties") &&
           open(object.properties.entries, count, true);
}

bool Decoder::read_custom(Value& place) {
    Object& object = arena_.set_object(place);
    object.form = Object::Form::custom;
    std::size_t size = 0;
    std::string_view payload;
    if (!scan_.take_tag() || !read_class(object) || !scan_.take_loose_length(size) ||
        !scan_.take(":{", "expected ':{' behind the length of the object's bytes") ||
        !scan_.take_bytes(size, payload)) {
        return false;
    }
    object.payload = payload;
    return scan_.take('}', "expected '}' here, where the object's announced bytes end");
}

bool Decoder::read_enumeration(Value& place) {
    if (!scan_.take_tag()) return false;
    const std::size_t quoted_at = scan_.offset();
    std::string_view name;
    if (!scan_.take_quoted(name) || !scan_.take(';', "expected ';' behind the enum case")) {
        return false;
    }
    const std::size_t colon = name.find(':');
    if (colon == std::string_view::npos || !is_class_name(name.substr(0, colon))) {
        return scan_.fail_at(quoted_at, "expected the name of an enum, ':' and a case of it");
    }
    Object& object = arena_.set_object(place);
    object.form = Object::Form::enumeration;
    object.class_name = name.substr(0, colon);
    object.payload = name.substr(colon + 1);
    return true;
}

bool Decoder::read_reference(Value& place, Reference::Kind kind) {
    if (!references_) {
        wants_references_ = true;
        return false;
    }
    const std::size_t at = scan_.offset();
    std::size_t slot = 0;
    if (!scan_.take_tag() || !scan_.take_length(slot) ||
        !scan_.take(';', "expected ';' behind the slot")) {
        return false;
    }
    if (kind == Reference::Kind::variable) {
        return references_->share_variable(slot, place) ||
               scan_.fail_at(at, "expected the slot of an earlier value");
    }
    return references_->share_object(slot, place) ||
           scan_.fail_at(at, "expected the slot of an earlier object");
}

bool Decoder::open(Entries& entries, std::size_t count, bool is_object) {
    if (frames_.size() >= levels_) return scan_.expected("arrays and objects are nested too deep");
    if (count > elements_left_) return scan_.expected("there are more elements than are allowed");
    if (count > scan_.left() / least_element - std::min(owed_, scan_.left() / least_element)) {
        return scan_.expected("more elements are announced than can follow");
    }
    elements_left_ -= count;
    owed_ += count;
    entries.reserve(count);  // they must stay where they are, for `references_`
    frames_.push_back({&entries, count, is_object});
    return true;
}

bool Decoder::close_finished() {
    while (!frames_.empty() && frames_.back().left == 0) {
        if (!scan_.take('}', "expected '}' behind the last element")) return false;
        frames_.pop_back();
    }
    return true;
}

bool Decoder::read_key(KeyView& key) {
    switch (scan_.next()) {
    case 'i':
        return scan_.take_tag() && scan_.take_integer(key.number) &&
               scan_.take(';', "expected ';' behind the key");
    case 's':
        key.is_number = false;
        return scan_.take_tag() && scan_.take_quoted(key.text) &&
               scan_.take(';', "expected ';' behind the key");
    case 'S':
        key.is_number = false;
        if (!scan_.take_tag() || !scan_.take_escaped(escaped_)) {
            return false;
        }
        key.text = escaped_;
        return scan_.take(';', "expected ';' behind the key");
    default:
        return scan_.expected("expected a key: one of i s S");
    }
}

// Where the next element of the innermost frame belongs, or nullptr.
Value* Decoder::next_place() {
    KeyView key;
    if (!read_key(key)) return nullptr;
    ReadFrame& frame = frames_.back();
    --frame.left;
    --owed_;
    if (!key.is_number && !frame.is_object) {
        key.is_number = is_array_number(key.text, key.number);
    }
    bool is_new = true;
    Entry& entry = frame.index.entry(arena_, *frame.entries, key, is_new);
    if (is_new) return &entry.value;
    if (references_) {
        references_->replaced(entry.value);
    } else {
        entry.value = Value();
    }
    return &entry.value;
}

}  // namespace

Unserialized unserialize(std::string_view text, const Limits& limits) {
    if (text.size() > limits.size) return {{}, 0, Fault{limits.size, "the text is too long"}};
    const std::size_t first_block = std::max<std::size_t>(1024, text.size());
    Value value;
    const auto result = [&](bool is_whole, std::unique_ptr<Arena> arena, const Decoder& decoder) {
        Unserialized all;
        if (is_whole) {
            all.document = Document(std::move(arena), std::move(value));
            all.size = decoder.offset();
        } else {
            all.fault = decoder.fault();
        }
        return all;
    };
    // Most texts have no references and need no record of every value.
    auto arena = std::make_unique<Arena>(first_block);
    Decoder decoder(text, limits, *arena, nullptr);
    const bool is_whole = decoder.decode(value);
    if (!decoder.wants_references()) return result(is_whole, std::move(arena), decoder);
    value = Value();
    arena = std::make_unique<Arena>(first_block);
    References references;
    Decoder again(text, limits, *arena, &references);
    bool is_settled = again.decode(value);
    if (is_settled) is_settled = again.settle(value);
    return result(is_settled, std::move(arena), again);
}

}  // namespace myq::php
