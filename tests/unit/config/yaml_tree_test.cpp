#include "config/config.hpp"
#include "config/yaml_tree.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

TEST_SUITE("yaml_tree") {

using namespace myq;
using Kind = YamlNode::Kind;

namespace {

std::string repeated(const std::string& text, std::size_t size) {
    std::string all;
    while (all.size() + text.size() <= size)
        all += text;
    return all;
}

// What is wrong with `text`, empty for nothing.
std::string complaint(const std::string& text) {
    Mistakes mistakes{"f"};
    parse_yaml(text, mistakes);
    try {
        mistakes.throw_if_any();
    } catch (const ConfigError& e) {
        return e.what();
    }
    return "";
}

constexpr std::size_t mib = 1048576;

}  // namespace

TEST_CASE("yaml tree: every kind of node with its place") {
    Mistakes mistakes{"f"};
    const YamlNode root = parse_yaml("a: plain\n"
                                     "b: 'quoted'\n"
                                     "c:\n"
                                     "  - 1\n"
                                     "  - |\n"
                                     "    block\n"
                                     "d: {e: ~, \"f\": \"\"}\n",
                                     mistakes);
    REQUIRE(mistakes.count() == 0);
    REQUIRE(root.kind == Kind::map);
    REQUIRE(root.children.size() == 4);

    const YamlNode& plain = root.children[0];
    CHECK(plain.kind == Kind::plain);
    CHECK(plain.key == "a");
    CHECK(plain.text == "plain");
    CHECK(plain.key_mark == Mark{1, 1});
    CHECK(plain.mark == Mark{1, 4});

    CHECK(root.children[1].kind == Kind::quoted);
    CHECK(root.children[1].text == "quoted");

    const YamlNode& list = root.children[2];
    REQUIRE(list.kind == Kind::list);
    REQUIRE(list.children.size() == 2);
    CHECK(list.children[0].text == "1");
    CHECK(list.children[0].mark == Mark{4, 5});
    CHECK(list.children[1].kind == Kind::quoted);
    CHECK(list.children[1].text == "block\n");

    const YamlNode& map = root.children[3];
    REQUIRE(map.children.size() == 2);
    CHECK(map.children[0].kind == Kind::null);
    CHECK(map.children[1].kind == Kind::quoted);
    CHECK(map.children[1].text.empty());
}

TEST_CASE("yaml tree: nothing stands where its key does") {
    Mistakes mistakes{"f"};
    const YamlNode root = parse_yaml("a:\nb:\n\n\n", mistakes);
    REQUIRE(root.children.size() == 2);
    CHECK(root.children[0].kind == Kind::null);
    CHECK(root.children[0].mark == Mark{1, 1});
    CHECK(root.children[1].mark == Mark{2, 1});
}

TEST_CASE("yaml tree: what was refused is broken or gone and the rest is there") {
    Mistakes mistakes{"f"};
    const YamlNode root = parse_yaml("a: &x 1\nb: *x\nc: 2\nc: 3\n<<: {d: 4}\n", mistakes);
    CHECK(mistakes.count() == 4);
    REQUIRE(root.children.size() == 3);
    CHECK(root.children[0].text == "1");
    CHECK(root.children[1].kind == Kind::broken);
    CHECK(root.children[2].text == "2");
}

TEST_CASE("yaml tree: sixteen levels are read and the seventeenth is refused") {
    CHECK(complaint(std::string(16, '[') + std::string(16, ']')).empty());
    CHECK(complaint(std::string(17, '[') + std::string(17, ']')) ==
          "f:1:17: nested more than 16 levels deep");
    // Deeper than the parser itself goes, which then gives up: no news.
    const std::string text = complaint(std::string(mib, '['));
    CHECK(text.ends_with(": nested more than 16 levels deep"));
    CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("yaml tree: one MiB is read and one byte more is refused") {
    const std::string text = "a: 1\n#";
    CHECK(complaint(text + std::string(mib - text.size(), 'x')).empty());
    CHECK(complaint(text + std::string(mib - text.size() + 1, 'x')) ==
          "f:1:1: 1048577 bytes: a configuration is at most 1 MiB");
}

TEST_CASE("yaml tree: binary garbage is refused at its first byte") {
    using namespace std::string_literals;
    CHECK(complaint("a: 1\nb: \0"s) == "f:2:4: byte 0x00 is not UTF-8 text");
    CHECK(complaint("\x7f"
                    "ELF\x02\x01\x01") == "f:1:1: byte 0x7f is not UTF-8 text");
    CHECK(complaint("\xff\xfe"
                    "a\0:\0"s) == "f:1:1: byte 0xff is not UTF-8 text");
}

TEST_CASE("yaml tree: no byte of the file reaches a terminal through the parser's words") {
    CHECK(complaint("a: \"\\\xc3\xa9\"") == "f:1:7: not YAML: unknown escape character: \\xc3");
    // The parser reads the end of the text as a character of its own.
    CHECK(complaint("a: \"\\") == "f:1:7: not YAML: unknown escape character: \\x04");
}

TEST_CASE("yaml tree: a byte order mark, other line ends and a directive are read") {
    CHECK(complaint("\xef\xbb\xbf"
                    "a: 1\r\nb: 2\r\n")
              .empty());
    CHECK(complaint("%YAML 1.2\n---\na: 1\n...\n").empty());
}

TEST_CASE("yaml tree: no text makes it throw anything of the parser's") {
    const std::vector<std::string> pieces = {
        "[",         "{",          "- ",    "? ",   "a: ",    "\n",   "#\n",  "a:\n",
        "-\n",       "'",          "\"",    "|\n",  "&a ",    "*a ",  "!a ",  "---\n",
        "...\n",     "%a\n",       ",",     "[]\n", "<<: ",   "x",    "\t",   "{}",
        "[a]",       "a: b\n",     "- a\n", "!<",   "!!str ", "\\",   "[a, ", "{a: ",
        "- - - a\n", "? a\n: b\n", "`",     "@",    "%",      "\"\\", ": ",   ">\n ",
    };
    for (const std::string& piece : pieces) {
        CAPTURE(piece);
        CHECK_NOTHROW(complaint(repeated(piece, 65536)));
        CHECK_NOTHROW(complaint("a: " + repeated(piece, 65536)));
    }
}

}  // TEST_SUITE("yaml_tree")
