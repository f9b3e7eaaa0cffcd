#include "config/config.hpp"
#include "config/mistakes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

TEST_SUITE("mistakes") {

using namespace myq;

TEST_CASE("mistakes: none throw nothing") {
    CHECK_NOTHROW(Mistakes{"myq.yaml"}.throw_if_any());
}

TEST_CASE("mistakes: all of them, in the order of the file") {
    Mistakes mistakes{"/etc/myq.yaml"};
    mistakes.add({10, 2}, "b", "second");
    mistakes.add({9, 30}, "a.b", "first");
    mistakes.add({10, 2}, "", "third, found after the second");
    CHECK(mistakes.count() == 3);
    CHECK_THROWS_WITH_AS(mistakes.throw_if_any(),
                         "/etc/myq.yaml:9:30: a.b: first\n"
                         "/etc/myq.yaml:10:2: b: second\n"
                         "/etc/myq.yaml:10:2: third, found after the second",
                         ConfigError);
}

TEST_CASE("mistakes: a key from the file cannot steer a terminal or fill it") {
    Mistakes mistakes{"f"};
    mistakes.add({}, "a\x1b" + std::string(1000, 'b'), "unknown key");
    CHECK_THROWS_WITH_AS(mistakes.throw_if_any(),
                         ("f:1:1: a\\x1b" + std::string(118, 'b') + ": unknown key").c_str(),
                         ConfigError);
}

TEST_CASE("mistakes: behind the first hundred there is only their number, and where they go on") {
    Mistakes mistakes{"f"};
    for (int line = 1; line <= 1003; ++line)
        mistakes.add({line, 1}, "k", "wrong");
    try {
        mistakes.throw_if_any();
        FAIL("nothing thrown");
    } catch (const ConfigError& e) {
        const std::string text = e.what();
        CHECK(std::count(text.begin(), text.end(), '\n') == 100);
        CHECK(text.ends_with("\nf:100:1: k: wrong\nf:101:1: and 903 more mistakes"));
    }
}

}  // TEST_SUITE("mistakes")
