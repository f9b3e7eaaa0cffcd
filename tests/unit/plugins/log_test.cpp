#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("log") {

TEST_CASE("log: a message becomes one line with its type, name, size and body") {
    struct Row {
        Letter letter;
        std::string max_bytes, body, line;
    };
    const Row rows[] = {
        {{}, "256", "hello", "type 7 (resize), 5 bytes: hello"},
        {{.type = 1, .type_name = ""}, "256", "a", "type 1, 1 byte: a"},
        {{}, "256", "", "type 7 (resize), 0 bytes"},
        {{.attempt = 3}, "256", "again", "type 7 (resize), attempt 3, 5 bytes: again"},
        {{}, "4", "hello", "type 7 (resize), 5 bytes: hell... and 1 more"},
        {{}, "5", "hello", "type 7 (resize), 5 bytes: hello"},
        {{}, "0", "hello", "type 7 (resize), 5 bytes"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.line);
        StartedPlugin log("log", {{"max_bytes", {row.max_bytes}}});
        CHECK(log.handle(row.body, row.letter) == Answer{MYQ_DONE, ""});
        const auto lines = take_log();
        REQUIRE(lines.size() == 1);
        CHECK(lines[0] == LogLine{MYQ_INFO, row.line});
    }
}

TEST_CASE("log: without max_bytes 256 bytes are shown, and bytes that are no text are passed on") {
    StartedPlugin log("log", {});
    const std::string body = std::string("\0\n\x1b", 3) + std::string(300, 'x');
    CHECK(log.handle(body).verdict == MYQ_DONE);
    const auto lines = take_log();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].text ==
          "type 7 (resize), 303 bytes: " + body.substr(0, 256) + "... and 47 more");
}

TEST_CASE("log: max_bytes outside its range is refused") {
    CHECK(refusal("log", {{"max_bytes", {"65536"}}}).empty());
    for (const char* value : {"-1", "65537"}) {
        CHECK(refusal("log", {{"max_bytes", {value}}}) == "option 'max_bytes' must be 0 to 65536");
    }
    CHECK(refusal("log", {{"max_bytes", {"many"}}}) == "option 'max_bytes' is not a whole number");
}

}  // TEST_SUITE("log")
