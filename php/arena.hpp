#pragma once

#include "php/value.hpp"

#include <cstddef>
#include <forward_list>
#include <memory_resource>
#include <string_view>
#include <utility>

namespace myq::php {

// The memory of one decoded value. What is in it is never freed by itself, only with the whole:
// that takes next to no time, and no stack however deep the value is.
class Arena {
public:
    explicit Arena(std::size_t first_block) : memory_(first_block), objects_(&memory_) {}

    // What these make of the place is good for as long as the arena. It held nothing before that
    // would have to be freed.
    void set_text(Value& place, std::string_view text) { lend_text(place, text); }
    void set_name(Key& place, std::string_view text) { lend_text(place, text); }
    Array& set_array(Value& place) {
        void* const memory = memory_.allocate(sizeof(Array), alignof(Array));
        auto* const array = new (memory) Array{Entries(&memory_)};
        place.make(Value::lent_array_tag, array);
        return *array;
    }
    Object& set_object(Value& place) {
        Object& object = objects_.emplace_front(Object{.properties = {Entries(&memory_)}});
        place.make(Value::lent_object_tag, &object);
        return object;
    }

private:
    template <typename Place>
    void lend_text(Place& place, std::string_view text) {
        if (text.size() <= Packed::longest_within) return place.make_text(text);
        place.make_long_text(Packed::lent_text, memory_.allocate(Packed::block_size(text), 1),
                             text);
    }

    std::pmr::monotonic_buffer_resource memory_;
    std::pmr::forward_list<Object> objects_;  // their names are strings, which free themselves
};

}  // namespace myq::php
