#pragma once

#include "php/packed.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A value of PHP's, as serialize() writes it. Objects and references are records of what was
// written: nothing is ever instantiated, looked up or called.
//
// A Value owns all that is in it, as a tree: 16 bytes, 32 for an entry of an array, and the texts
// of more than 15 bytes. Copying copies everything, moving 16 bytes. What is decoded is in the
// memory of its Document: its parts are for looking at and copying, and destroying it takes no
// stack. To destroy what was put together or copied, and to copy and compare, takes a few hundred
// bytes of stack a level; what is decoded has at most 4096 levels.
namespace myq::php {

struct Array;
struct Object;
struct Entry;
using Entries = std::pmr::vector<Entry>;  // in the order of insertion, which PHP keeps too

// The decimal number that PHP takes this text for when it is the key of an array; false for none.
bool is_array_number(std::string_view text, std::int64_t& number);

// The key of an array's entry, or the name of a property.
class Key : private Packed {
    friend class Arena;

public:
    Key() : Key(std::int64_t{0}) {}
    Key(std::signed_integral auto number) : Packed(number_tag) {
        make(number_tag, std::int64_t{number});
    }
    // A text as PHP takes it for an array: "5" becomes the number 5; "05", "-0" and "5.0" stay.
    Key(std::string_view text);
    Key(const char* text) : Key(std::string_view(text)) {}
    // A text as it stands, as properties are named; a number in an array would not be found by it.
    static Key name(std::string_view text);

    Key(const Key& other);
    Key(Key&& other) noexcept : Packed(number_tag) { swap(other); }
    Key& operator=(Key other) noexcept {
        swap(other);
        return *this;
    }
    ~Key() {
        if (tag() == long_text) free_long_text();
    }

    bool is_number() const { return tag() == number_tag; }
    std::int64_t number() const { return load<std::int64_t>(); }  // only if it is one
    std::string_view text() const { return Packed::text(); }      // only if it is none
    friend bool operator==(const Key& one, const Key& two);

private:
    static constexpr Tag number_tag = first_other;
    void swap(Key& other) noexcept { swap_bytes(other); }
};

// "The same as that one": `slot` counts from 1 through all values of the whole in the order in
// which they are written, keys left out, and shared variables too, which are not counted.
struct Reference {
    enum class Kind : std::uint8_t {
        variable,  // R: the same variable, PHP's &
        object,    // r: another handle of the same object
    };
    Kind kind = Kind::variable;
    std::uint64_t slot = 0;

    friend bool operator==(const Reference&, const Reference&) = default;
};

class Value : private Packed {
    friend class Arena;

public:
    enum class Kind : std::uint8_t {
        null,
        boolean,
        integer,
        real,
        text,  // bytes, in no particular encoding
        array,
        object,
        reference,
    };

    Value() : Packed(null_tag) {}
    Value(std::same_as<bool> auto truth) : Packed(null_tag) { make(boolean_tag, truth); }
    Value(std::signed_integral auto number) : Packed(null_tag) {
        make(integer_tag, std::int64_t{number});
    }
    Value(double number) : Packed(null_tag) { make(real_tag, number); }
    Value(std::string_view text) : Packed(null_tag) { make_text(text); }
    Value(const std::string& text) : Value(std::string_view(text)) {}
    Value(const char* text) : Value(std::string_view(text)) {}
    Value(Array array);
    Value(Object object);
    Value(Reference reference) : Packed(null_tag) {
        const bool is_variable = reference.kind == Reference::Kind::variable;
        make(is_variable ? variable_tag : handle_tag, reference.slot);
    }

    Value(const Value& other);
    Value(Value&& other) noexcept : Packed(null_tag) { swap(other); }
    Value& operator=(const Value& other) { return *this = Value(other); }
    Value& operator=(Value&& other) noexcept {
        Value(std::move(other)).swap(*this);
        return *this;
    }
    ~Value() {
        if (tag() >= long_text && tag() <= last_owner) release();
    }

    Kind kind() const;
    bool is_null() const { return tag() == null_tag; }
    // What it is; nullopt and nullptr when it is something else. The bytes are a part of it.
    std::optional<bool> boolean() const;
    std::optional<std::int64_t> integer() const;
    std::optional<double> real() const;
    std::optional<std::string_view> text() const;
    std::optional<Reference> reference() const;
    Array* array() { return is_array() ? load<Array*>() : nullptr; }
    const Array* array() const { return is_array() ? load<const Array*>() : nullptr; }
    Object* object() { return is_object() ? load<Object*>() : nullptr; }
    const Object* object() const { return is_object() ? load<const Object*>() : nullptr; }

    friend bool operator==(const Value& one, const Value& two);  // NAN is unlike itself

private:
    static constexpr Tag array_tag = first_other;
    static constexpr Tag object_tag = array_tag + 1;
    static constexpr Tag last_owner = object_tag;
    static constexpr Tag lent_array_tag = last_owner + 1;
    static constexpr Tag lent_object_tag = lent_array_tag + 1;
    static constexpr Tag null_tag = lent_object_tag + 1;
    static constexpr Tag boolean_tag = null_tag + 1;
    static constexpr Tag integer_tag = boolean_tag + 1;
    static constexpr Tag real_tag = integer_tag + 1;
    static constexpr Tag variable_tag = real_tag + 1;
    static constexpr Tag handle_tag = variable_tag + 1;

    bool is_array() const { return tag() == array_tag || tag() == lent_array_tag; }
    bool is_object() const { return tag() == object_tag || tag() == lent_object_tag; }
    void release() noexcept;
    void swap(Value& other) noexcept { swap_bytes(other); }
};

// For the decoders every key is there once. find() and set() look at one entry after the other: who
// adds or looks up many keys of a large array keeps a KeyIndex beside it.
struct Array {
    Entries entries;

    const Value* find(const Key& key) const;  // nullptr when it is not there
    Value& set(Key key, Value value);         // in the place of an entry with this key, or last
    Value& push(Value value);                 // behind a list
    bool is_list() const;  // its keys are 0, 1, 2 and so on, in this order: [] in JSON
    friend bool operator==(const Array&, const Array&);
};

struct Entry {
    Key key;
    Value value;
    friend bool operator==(const Entry&, const Entry&) = default;
};

// What was an object to who wrote it.
struct Object {
    enum class Form : std::uint8_t {
        plain,        // O: properties, or the entries that its __serialize() gave
        custom,       // C: bytes that only its unserialize() understands
        enumeration,  // E: the case of an enum
    };
    Form form = Form::plain;
    std::string class_name{};
    // By their names as PHP mangles them: "public", "\0*\0protected", "\0Class\0private".
    Array properties{};
    std::string payload{};  // custom: its bytes; enumeration: the name of the case

    friend bool operator==(const Object&, const Object&) = default;
};

}  // namespace myq::php
