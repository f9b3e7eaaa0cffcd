#include "php/serialize.hpp"

#include "php/double_text.hpp"
#include "php/unserialize.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <vector>

namespace myq::php {

namespace {

// An array or an object of which some entries have been written.
struct WriteFrame {
    const Entries* entries;
    std::size_t next = 0;
};

class Encoder {
public:
    explicit Encoder(std::string& text) : text_(text) {}

    void write(const Value& root) {
        value(root);
        while (!frames_.empty()) {
            WriteFrame& frame = frames_.back();
            if (frame.next == frame.entries->size()) {
                text_ += '}';
                frames_.pop_back();
                continue;
            }
            const Entry& entry = (*frame.entries)[frame.next++];
            if (entry.key.is_number()) {
                integer(entry.key.number());
            } else {
                bytes(entry.key.text());
            }
            value(entry.value);
        }
    }

private:
    // Of an array or an object only the beginning: the rest is left to write().
    void value(const Value& value) {
        switch (value.kind()) {
        case Value::Kind::null:
            text_ += "N;";
            return;
        case Value::Kind::boolean:
            text_ += *value.boolean() ? "b:1;" : "b:0;";
            return;
        case Value::Kind::integer:
            return integer(*value.integer());
        case Value::Kind::real:
            return real(*value.real());
        case Value::Kind::text:
            return bytes(*value.text());
        case Value::Kind::array:
            return array(*value.array());
        case Value::Kind::object:
            return object(*value.object());
        case Value::Kind::reference:
            return reference(*value.reference());
        }
    }

    template <typename Number>
    void number(Number number) {
        std::array<char, 20> digits;
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        text_.append(digits.data(), end);
    }

    void quoted(std::string_view bytes) {
        number(bytes.size());
        text_ += ":\"";
        text_ += bytes;
        text_ += '"';
    }

    void integer(std::int64_t integer) {
        text_ += "i:";
        number(integer);
        text_ += ';';
    }
    void real(double real) {
        text_ += "d:";
        append_double(text_, real, 'E');
        text_ += ';';
    }
    void bytes(std::string_view bytes) {
        text_ += "s:";
        quoted(bytes);
        text_ += ';';
    }
    void array(const Array& array) {
        text_ += "a:";
        const bool is_level = !array.entries.empty();  // as PHP counts them
        entries(array, is_level);
    }
    void reference(const Reference& reference) {
        text_ += reference.kind == Reference::Kind::variable ? "R:" : "r:";
        number(reference.slot);
        text_ += ';';
    }
    void object(const Object& object) {
        switch (object.form) {
        case Object::Form::plain:
            text_ += "O:";
            quoted(object.class_name);
            text_ += ':';
            return entries(object.properties, true);
        case Object::Form::custom:
            text_ += "C:";
            quoted(object.class_name);
            text_ += ':';
            number(object.payload.size());
            text_ += ":{";
            text_ += object.payload;
            text_ += '}';
            return;
        case Object::Form::enumeration:
            text_ += "E:";
            quoted(object.class_name + ':' + object.payload);
            text_ += ';';
            return;
        }
    }

    void entries(const Array& array, bool is_level) {
        number(array.entries.size());
        text_ += ":{";
        if (!is_level) {
            text_ += '}';
            return;
        }
        if (frames_.size() >= most_levels) {
            throw std::invalid_argument("serialize: the value is nested deeper than 4096 levels, "
                                        "which PHP would not read; make it flatter");
        }
        frames_.push_back({&array.entries});
    }

    std::string& text_;
    std::vector<WriteFrame> frames_;
};

}  // namespace

void serialize_to(std::string& text, const Value& value) {
    Encoder(text).write(value);
}

std::string serialize(const Value& value) {
    std::string text;
    serialize_to(text, value);
    return text;
}

}  // namespace myq::php
