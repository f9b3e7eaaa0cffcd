#include "php/references.hpp"

#include <utility>

namespace myq::php {

namespace {

Entries* children(Value& value) {
    if (auto* array = value.array()) return &array->entries;
    if (auto* object = value.object()) return &object->properties.entries;
    return nullptr;
}

}  // namespace

Value* References::target(std::uint64_t slot, const Value& place) const {
    if (slot == 0 || slot > slots_.size()) return nullptr;
    Value* const target = slots_[slot - 1];
    return target == &place ? nullptr : target;
}

References::Shared& References::shared(const Reference& reference) {
    auto& all = reference.kind == Reference::Kind::variable ? variables_ : objects_;
    return all[reference.slot];
}

bool References::share_variable(std::uint64_t slot, Value& place) {
    Value* const original = target(slot, place);
    if (!original) return false;
    auto known = original->reference();
    if (!known || known->kind != Reference::Kind::variable) {
        variables_.push_back({std::move(*original)});
        *original = Reference{Reference::Kind::variable, variables_.size() - 1};
    }
    place = *original->reference();
    return true;
}

bool References::share_object(std::uint64_t slot, Value& place) {
    Value* original = target(slot, place);
    if (!original) return false;
    auto known = original->reference();
    if (known && known->kind == Reference::Kind::variable) {
        original = &shared(*known).content;
        known = original->reference();
    }
    if (!known) {
        if (!original->object()) return false;
        objects_.push_back({std::move(*original)});
        *original = Reference{Reference::Kind::object, objects_.size() - 1};
    }
    place = *original->reference();
    return true;
}

void References::replaced(Value& place) {
    replaced_.push_back(std::exchange(place, Value()));
}

bool References::count_children(Value& place, std::size_t depth) {
    Entries* const entries = children(place);
    if (!entries || entries->empty()) return true;
    if (depth == 0) return false;
    for (Entry& entry : *entries) {
        if (!count(entry.value, depth - 1)) return false;
    }
    return true;
}

// Only what is still there at the end counts.
bool References::count(Value& place, std::size_t depth) {
    const auto reference = place.reference();
    if (!reference) return count_children(place, depth);
    Shared& is_shared = shared(*reference);
    if (is_shared.places++ > 0) return true;
    // A variable may hold one of several handles of an object.
    return is_shared.content.reference() ? count(is_shared.content, depth)
                                         : count_children(is_shared.content, depth);
}

bool References::put(Value& place, std::size_t depth) {
    ++last_slot_;
    if (const auto reference = place.reference()) {
        Shared* what = &shared(*reference);
        // A variable in one place only is none any more.
        const bool is_variable = reference->kind == Reference::Kind::variable && what->places > 1;
        if (const auto object = what->content.reference()) what = &shared(*object);
        if (what->slot != 0) {
            if (is_variable) --last_slot_;
            place = Reference{is_variable ? Reference::Kind::variable : Reference::Kind::object,
                              what->slot};
            return true;
        }
        what->slot = last_slot_;
        place = std::move(what->content);
    }
    Entries* const entries = children(place);
    if (!entries || entries->empty()) return true;
    if (depth == 0) return false;
    for (Entry& entry : *entries) {
        if (!put(entry.value, depth - 1)) return false;
    }
    return true;
}

bool References::settle(Value& root, std::size_t depth) {
    return count(root, depth) && put(root, depth);
}

}  // namespace myq::php
