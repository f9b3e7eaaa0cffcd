#pragma once

#include "config/mistakes.hpp"
#include "config/suggestion.hpp"
#include "config/yaml_tree.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// From a YAML tree to plain structs. `section.read("key", field, ...)` finds the key and calls the
// decode() for the field's type, which fills the field or refuses the value; what stands behind the
// field says more about it, such as Between{1, 1000}. A struct of its own gets a decode() of its
// own, in which a Section reads its keys. There is no list of keys anywhere else: a Section that
// ends reports each key that nobody has asked it for.
namespace myq {

// A node, the dotted path by which myq.yaml(5) calls it, and where complaints go.
class Value {
public:
    Value(const YamlNode& node, std::string key, Mistakes& mistakes)
        : node_(&node),
          key_(std::move(key)),
          mistakes_(&mistakes) {}

    const YamlNode& node() const { return *node_; }
    std::string where() const { return mistakes_->where(node_->mark); }
    Mistakes& mistakes() const { return *mistakes_; }

    void refuse(std::string_view reason) const { mistakes_->add(node_->mark, key_, reason); }

    // Says that a node of the wrong kind "must be WANTED".
    void refuse_kind(std::string_view wanted) const;

    // The text of a scalar; anything else is refused by its kind.
    std::optional<std::string_view> scalar(std::string_view wanted) const;

    Value item(const YamlNode& child) const { return {child, key_, *mistakes_}; }
    Value entry(const YamlNode& child) const {
        return {child, key_.empty() ? child.key : key_ + '.' + child.key, *mistakes_};
    }

private:
    const YamlNode* node_;
    std::string key_;
    Mistakes* mistakes_;
};

// Both ends are allowed.
template <typename T>
struct Between {
    T least;
    T most;
};

// A word of the file and what it means. Fields of enumerations are read with a span of these.
template <typename T>
struct Choice {
    std::string_view word;
    T meaning;
};

// What is wrong with a text, as the end of a sentence that begins with it; empty if nothing is.
using TextRule = std::string_view (*)(std::string_view);

struct QuotedOctal {};  // for permission bits

void decode(const Value& value, bool& field);
void decode(const Value& value, std::string& field, TextRule rule);
void decode(const Value& value, std::filesystem::path& field);  // absolute
void decode(const Value& value, int& field, Between<int> range);
void decode(const Value& value, std::int64_t& field, Between<std::int64_t> range);
void decode(const Value& value, std::uint64_t& field, Between<std::uint64_t> range);  // a size
void decode(const Value& value, std::chrono::milliseconds& field,
            Between<std::chrono::milliseconds> range);
void decode(const Value& value, mode_t& field, QuotedOctal);

// The index of a scalar's text among `words`; nullopt after having refused it.
std::optional<std::size_t> choose(const Value& value, std::span<const std::string_view> words);

template <typename T>
void decode(const Value& value, T& field, std::span<const Choice<T>> choices) {
    std::vector<std::string_view> words;
    for (const Choice<T>& choice : choices)
        words.push_back(choice.word);
    if (const auto index = choose(value, words)) field = choices[*index].meaning;
}

template <typename T, typename... How>
void decode(const Value& value, std::optional<T>& field, How&... how) {
    decode(value, field.emplace(), how...);
}

// The items of a list instead of what the field held. There is one for each, right or wrong.
template <typename T, typename... How>
void decode(const Value& value, std::vector<T>& field, How&... how) {
    if (value.node().kind != YamlNode::Kind::list) return value.refuse_kind("a list");
    field.clear();
    for (const YamlNode& child : value.node().children) {
        decode(value.item(child), field.emplace_back(), how...);
    }
}

// Refuses what was seen before, with the line of the first.
template <typename T>
class Unique {
public:
    void check(const Value& value, const T& thing) {
        const auto [first, is_new] = lines_.emplace(thing, value.node().mark.line);
        if (!is_new) {
            value.refuse("is the same as in line " + std::to_string(first->second));
        }
    }

private:
    std::map<T, int> lines_;
};

// The keys of one map. A section without any (`log:` and nothing behind it) is as good as absent.
class Section {
public:
    explicit Section(const Value& value);
    ~Section();  // reports unknown keys
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

    // Reads a key that may be missing, then the field stays as it is.
    // Returns whether the key is there and its value is right.
    template <typename T, typename... How>
    bool read(std::string_view name, T& field, How&&... how) {
        const std::optional<Value> value = find(name);
        if (!value || value->node().kind == YamlNode::Kind::broken) return false;
        const std::size_t mistakes = value_.mistakes().count();
        decode(*value, field, how...);
        return value_.mistakes().count() == mistakes;
    }

    // The same; without the key the section is refused.
    template <typename T, typename... How>
    bool require(std::string_view name, T& field, How&&... how) {
        if (!has(name)) refuse_missing(name, "is missing");
        return read(name, field, how...);
    }

    bool has(std::string_view name) { return find(name).has_value(); }
    // Says nothing if the section is no map at all, which is on record then.
    void refuse_missing(std::string_view name, std::string_view reason) const;
    const Value& value() const { return value_; }

    // The value of a key that has been read.
    Value at(std::string_view name) { return find(name).value(); }

private:
    std::optional<Value> find(std::string_view name);

    Value value_;
    bool is_map_;
    std::vector<std::string_view> known_;
};

}  // namespace myq
