#include "php/key_index.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("key_index") {

using namespace myq::php;

namespace {

std::string text_of(const Key& key) {
    return key.is_number() ? std::to_string(key.number()) : std::string(key.text());
}

// Adds keys to an array, and counts those that were there already.
class Adder {
public:
    bool add(std::int64_t number) { return add(KeyView{number, {}, true}); }
    bool add(std::string_view text) { return add(KeyView{0, text, false}); }
    std::size_t size() const { return entries_.size(); }

private:
    bool add(const KeyView& key) {
        bool is_new = false;
        const Entry& entry = index_.entry(arena_, entries_, key, is_new);
        const std::string wanted =
            key.is_number ? std::to_string(key.number) : std::string(key.text);
        CHECK(text_of(entry.key) == wanted);
        return is_new;
    }

    Arena arena_{1024};
    Entries entries_;
    KeyIndex index_;
};

}  // namespace

TEST_CASE("A key is found again however many there are") {
    for (const int count : {1, 8, 16, 17, 33, 1000, 200'000}) {
        CAPTURE(count);
        Adder texts;
        Adder numbers;
        Adder both;
        for (int i = 0; i < count; ++i) {
            const std::string text = "a key with the number " + std::to_string(i);
            REQUIRE(texts.add(text));
            REQUIRE(numbers.add(-i * std::int64_t{1'000'000'007}));
            REQUIRE(both.add(i % 2 ? text : "k" + std::to_string(i)));
            REQUIRE(both.add(i));
        }
        for (int i = 0; i < count; ++i) {
            REQUIRE(!texts.add("a key with the number " + std::to_string(i)));
            REQUIRE(!numbers.add(-i * std::int64_t{1'000'000'007}));
            REQUIRE(!both.add(i));
        }
        CHECK(texts.size() == static_cast<std::size_t>(count));
        CHECK(both.size() == 2 * static_cast<std::size_t>(count));
    }
}

TEST_CASE("An integer-like text is the same key as its integer") {
    for (const int others : {0, 100}) {
        Adder adder;
        for (int i = 0; i < others; ++i)
            adder.add("other " + std::to_string(i));
        CHECK(adder.add(5));
        CHECK(!adder.add("5"));
        CHECK(adder.add("05"));
        CHECK(adder.add("-7"));
        CHECK(!adder.add(-7));
    }
}

}  // TEST_SUITE("key_index")
