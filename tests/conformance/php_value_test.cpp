// php::Value beside PHP itself: what PHP writes is read and written again byte for byte, and any
// text whatever is taken, with the same value, or refused as PHP does. SEED=N repeats a run,
// ROUNDS=N makes it longer.
#include "php/json.hpp"
#include "php/serialize.hpp"
#include "php/unserialize.hpp"
#include "tests/conformance/php_peer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

TEST_SUITE("php_value") {

using namespace myq;
using namespace myq::php;
using namespace myq::test;
using namespace std::string_literals;

namespace {

constexpr std::size_t batch = 1000;

unsigned long from_environment(const char* name, unsigned long otherwise) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return text ? std::stoul(text) : otherwise;
}

// What a run is made of, said so that it can be made again.
class Chance {
public:
    Chance() { MESSAGE("SEED=", seed_); }
    std::size_t below(std::size_t end) { return random_() % end; }
    std::vector<std::string> seeds() {
        std::vector<std::string> all(batch);
        for (std::string& each : all)
            each = std::to_string(random_() & 0x7fffffffU);
        return all;
    }

private:
    unsigned long seed_ = from_environment("SEED", std::random_device{}());
    std::mt19937_64 random_{seed_};
};

std::vector<std::string> values_of(std::vector<std::optional<std::string>> answers) {
    std::vector<std::string> all;
    for (auto& answer : answers)
        all.push_back(std::move(answer).value());
    return all;
}

// One of those changes that bring a text close to another one that means something.
void mutate(std::string& text, const std::vector<std::string>& others, std::string_view alphabet,
            Chance& chance) {
    const auto place = [&] { return chance.below(text.size() + 1); };
    const auto piece = [&](const std::string& from) {
        return from.substr(chance.below(from.size() + 1), chance.below(24));
    };
    const std::size_t at = place();
    switch (chance.below(6)) {
    case 0:
        text.insert(at, 1, alphabet[chance.below(alphabet.size())]);
        break;
    case 1:
        text.erase(at, 1 + chance.below(chance.below(4) ? 2 : 20));
        break;
    case 2:
        text.insert(at, piece(text));
        break;
    case 3:
        text.insert(at, piece(others[chance.below(others.size())]));
        break;
    case 4:
        if (at < text.size()) text[at] = static_cast<char>(chance.below(256));
        break;
    default:
        if (at < text.size()) text[at] = alphabet[chance.below(alphabet.size())];
    }
}

// Another key, value or count in place of one there is: what is left is mostly sound.
void exchange(std::string& text, Chance& chance) {
    const std::string pieces[] = {"i:0;",
                                  "i:1;",
                                  "i:+007;",
                                  "s:1:\"0\";",
                                  "S:2:\"\\61b\";",
                                  "s:2:\"ab\";",
                                  "N;",
                                  "b:1;",
                                  "d:.5;",
                                  "d:1e3;",
                                  "d:-INF;",
                                  "R:1;",
                                  "R:2;",
                                  "R:3;",
                                  "R:4;",
                                  "R:5;",
                                  "r:1;",
                                  "r:2;",
                                  "r:3;",
                                  "r:4;",
                                  "a:0:{}",
                                  "a:1:{i:0;i:1;}",
                                  "O:1:\"A\":0:{}",
                                  "C:1:\"A\":1:{}}",
                                  "O:1:\"A\"::{}",
                                  "O:1:\"A\":+1:{i:5;N;}",
                                  "i:99999999999999999999;",
                                  "E:11:\"Suit:Hearts\";"};
    const std::string& piece = pieces[chance.below(std::size(pieces))];
    const std::size_t begin = text.find_first_of("isbdNRr", chance.below(text.size() + 1));
    if (begin == std::string::npos) return;
    const std::size_t end = text.find(';', begin);
    if (end == std::string::npos) return;
    text.replace(begin, end + 1 - begin, piece);
}

// Whether it holds something that PHP, which does not know the class, writes in another way.
bool has_records(const Value& value) {
    if (value.kind() == Value::Kind::object || value.kind() == Value::Kind::reference) return true;
    const Array* array = value.array();
    return array && std::ranges::any_of(array->entries, [](const Entry& entry) {
               return has_records(entry.value);
           });
}

// The differences that php/unserialize.hpp names.
bool may_differ(const std::string& text, bool is_taken) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (is_taken) return text.find("E:") != std::string::npos;
    std::size_t digits = 0;
    return std::ranges::any_of(text, [&](char c) {
        digits = is_digit(c) ? digits + 1 : 0;
        return digits >= 20;
    });
}

// Ours and PHP's opinion of the same texts.
void compare(PhpPeer& peer, const std::vector<std::string>& texts, std::size_t& taken) {
    const auto theirs = peer.ask('N', texts);
    std::vector<std::string> again(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        INFO("text: ", texts[i]);
        const Unserialized ours = unserialize(texts[i]);
        INFO("fault: ", ours ? "none" : ours.fault->text());
        if (ours.fault.has_value() == theirs[i].has_value()) CHECK(may_differ(texts[i], !!ours));
        if (!ours || !theirs[i]) continue;
        ++taken;
        again[i] = serialize(ours.value());
        if (!has_records(ours.value())) CHECK(again[i] == *theirs[i]);
    }
    const auto theirs_again = peer.ask('N', again);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        // PHP resolves a reference to the whole once, and what is shared within is then there
        // twice.
        if (again[i].empty() || texts[i].find("R:1;") != std::string::npos) continue;
        INFO("text: ", texts[i]);
        INFO("ours: ", again[i]);
        CHECK(theirs_again[i] == theirs[i]);
    }
}

struct Row {
    std::string expression;
    Value value;
    std::string text;
};

Array list(std::initializer_list<Value> values) {
    Array array;
    for (const Value& value : values)
        array.push(value);
    return array;
}

Array map(std::initializer_list<std::pair<Key, Value>> pairs) {
    Array array;
    for (const auto& [key, value] : pairs)
        array.set(key, value);
    return array;
}

std::vector<Row> rows() {
    const double infinity = std::numeric_limits<double>::infinity();
    return {
        {"null", {}, "N;"},
        {"true", true, "b:1;"},
        {"false", false, "b:0;"},
        {"PHP_INT_MIN", std::numeric_limits<std::int64_t>::min(), "i:-9223372036854775808;"},
        {"3.0", 3.0, "d:3;"},
        {"-0.0", -0.0, "d:-0;"},
        {"0.1 + 0.2", 0.1 + 0.2, "d:0.30000000000000004;"},
        {"1e17", 1e17, "d:1.0E+17;"},
        {"1e16", 1e16, "d:10000000000000000;"},
        {"0.00009999", 0.00009999, "d:9.999E-5;"},
        {"0.0001", 0.0001, "d:0.0001;"},
        {"5e-324", 5e-324, "d:5.0E-324;"},
        {"-INF", -infinity, "d:-INF;"},
        {"'hello'", "hello", "s:5:\"hello\";"},
        {"\"\\0\\xff\\\";\"", "\0\xff\";"s, "s:4:\"\0\xff\";\";"s},
        {"[]", Array(), "a:0:{}"},
        {"[1, 'two', [3]]", list({1, "two", list({3})}),
         "a:3:{i:0;i:1;i:1;s:3:\"two\";i:2;a:1:{i:0;i:3;}}"},
        {"['a' => 1, '5' => 'five', '05' => 'x', -3 => null, '' => 0]",
         map({{"a", 1}, {5, "five"}, {"05", "x"}, {-3, {}}, {"", 0}}),
         "a:5:{s:1:\"a\";i:1;i:5;s:4:\"five\";s:2:\"05\";s:1:\"x\";i:-3;N;s:0:\"\";i:0;}"},
        {"new Point(1, 2.5, null)",
         Object{.class_name = "Point",
                .properties = Array{{{Key::name("x"), 1},
                                     {Key::name("\0*\0y"s), 2.5},
                                     {Key::name("\0Point\0z"s), {}}}}},
         "O:5:\"Point\":3:{s:1:\"x\";i:1;s:4:\"\0*\0y\";d:2.5;s:8:\"\0Point\0z\";N;}"s},
        {"Suit::Spades",
         Object{.form = Object::Form::enumeration, .class_name = "Suit", .payload = "Spades"},
         "E:11:\"Suit:Spades\";"},
    };
}

}  // namespace

TEST_CASE("what PHP writes is read and what is written PHP reads") {
    PhpPeer peer;
    for (const Row& row : rows()) {
        CAPTURE(row.expression);
        CHECK(peer.ask('X', row.expression) == row.text);
        const Unserialized read = unserialize(row.text);
        REQUIRE(read);
        CHECK(read.value() == row.value);
        CHECK(read.size == row.text.size());
        const std::string written = serialize(row.value);
        CHECK(written == row.text);
        const std::string length = std::to_string(row.expression.size());
        CHECK(peer.ask('D', length + ' ' + row.expression + ' ' + written) == "true");
    }
}

TEST_CASE("whatever PHP serializes comes back byte for byte") {
    PhpPeer peer;
    Chance chance;
    for (unsigned long round = from_environment("ROUNDS", 20); round > 0; --round) {
        for (const std::string& text : values_of(peer.ask('S', chance.seeds()))) {
            INFO("text: ", text);
            const Unserialized read = unserialize(text);
            REQUIRE_MESSAGE(read, read.fault->text());
            CHECK(read.size == text.size());
            CHECK(serialize(read.value()) == text);
            CHECK(serialize(Value(read.value())) == text);
        }
    }
}

TEST_CASE("a text is taken, with the same value, exactly when PHP takes it") {
    PhpPeer peer;
    Chance chance;
    constexpr std::string_view alphabet = "abdisSOCERrN:;{}\"0123456789+-.eE\\";
    std::size_t taken = 0;
    for (unsigned long round = from_environment("ROUNDS", 20); round > 0; --round) {
        const auto texts = values_of(peer.ask('S', chance.seeds()));
        auto mutants = texts;
        for (std::string& mutant : mutants) {
            for (std::size_t count = 1 + chance.below(2); count > 0; --count) {
                if (chance.below(2)) {
                    exchange(mutant, chance);
                } else {
                    mutate(mutant, texts, alphabet, chance);
                }
            }
        }
        compare(peer, mutants, taken);
    }
    MESSAGE(taken, " mutants mean something");
    CHECK(taken > 1000);
}

TEST_CASE("JSON is what json_encode makes of the same value") {
    PhpPeer peer;
    Chance chance;
    std::size_t encoded = 0;
    const JsonOptions options{.class_member = "__PHP_Incomplete_Class_Name"};
    for (unsigned long round = from_environment("ROUNDS", 20); round > 0; --round) {
        auto texts = values_of(peer.ask('S', chance.seeds()));
        // Cases and custom objects are said in json.hpp to differ.
        std::erase_if(texts, [](const std::string& text) {
            return text.find("E:") != std::string::npos || text.find("C:6:") != std::string::npos;
        });
        const auto theirs = peer.ask('E', texts);
        for (std::size_t i = 0; i < texts.size(); ++i) {
            INFO("text: ", texts[i]);
            std::optional<std::string> ours;
            std::string error = "none";
            try {
                ours = to_json(unserialize(texts[i]).value(), options);
                ++encoded;
            } catch (const JsonError& e) {
                error = e.what();
            }
            CAPTURE(error);
            CHECK(ours == theirs[i]);
        }
    }
    CHECK(encoded > 1000);
}

TEST_CASE("JSON is read as json_decode reads it") {
    PhpPeer peer;
    Chance chance;
    std::size_t taken = 0;
    for (unsigned long round = from_environment("ROUNDS", 20); round > 0; --round) {
        const auto texts = values_of(peer.ask('J', chance.seeds()));
        auto mutants = texts;
        for (std::string& mutant : mutants) {
            if (chance.below(3)) mutate(mutant, texts, "[]{}:,\"\\/ntfu0123456789-+.eE \n", chance);
        }
        const auto theirs = peer.ask('P', mutants);
        for (std::size_t i = 0; i < mutants.size(); ++i) {
            INFO("json: ", mutants[i]);
            std::optional<std::string> ours;
            std::string error = "none";
            try {
                ours = serialize(from_json(mutants[i]).value());
                ++taken;
            } catch (const JsonError& e) {
                error = e.what();
            }
            CAPTURE(error);
            // What no double holds is INF there.
            if (error.find("number overflow") == std::string::npos) CHECK(ours == theirs[i]);
        }
    }
    CHECK(taken > 1000);
}

}  // TEST_SUITE("php_value")
