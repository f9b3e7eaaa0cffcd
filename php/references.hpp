#pragma once

#include "php/value.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace myq::php {

// What the references in a text mean, while it is decoded. A later entry may take the place of an
// earlier one with the same key that others refer to, so that neither the numbers nor the places
// in the text need be those of the value: what is shared is kept aside, and is put where it comes
// first when all is there.
//
// The places are pointers: a Value that has been visited must stay where it is.
class References {
public:
    // A value begins here, and gets the next slot.
    void visited(Value& place) { slots_.push_back(&place); }

    // False if there is no such slot, or it is this very place.
    bool share_variable(std::uint64_t slot, Value& place);
    // The same, and false if that slot holds no object.
    bool share_object(std::uint64_t slot, Value& place);
    // What another value takes the place of: slots within it are still good.
    void replaced(Value& place);

    // Puts everything in its place and numbers it as PHP would. False if that makes more levels
    // than `depth`.
    bool settle(Value& root, std::size_t depth);

private:
    // A variable or an object of which there are several. Meanwhile a Reference in its places has
    // its number here in place of a slot.
    struct Shared {
        Value content{};
        std::uint64_t places = 0;  // that refer to it, at the end
        std::uint64_t slot = 0;    // where it came first, 0: not yet
    };

    Value* target(std::uint64_t slot, const Value& place) const;
    Shared& shared(const Reference& reference);
    bool count(Value& place, std::size_t depth);
    bool count_children(Value& place, std::size_t depth);
    bool put(Value& place, std::size_t depth);

    std::vector<Value*> slots_;
    std::deque<Shared> variables_, objects_;
    std::deque<Value> replaced_;
    std::uint64_t last_slot_ = 0;
};

}  // namespace myq::php
