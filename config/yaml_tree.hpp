#pragma once

#include "config/mistakes.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace myq {

// One node of a YAML document, with its place. A tree of these is finite and has no sharing, so
// that it may be walked without a thought; YAML's own graph may be a bomb or a circle.
struct YamlNode {
    enum class Kind {
        null,    // nothing, ~ or null
        plain,   // a scalar without quotes
        quoted,  // a scalar in quotes or in a block
        list,
        map,
        broken  // its mistake is on record already: whoever finds one says nothing
    };

    Kind kind = Kind::broken;
    Mark mark = {};
    std::string text = {};  // of a scalar; never holds a NUL

    // In a map, the node's own key. Unique among its brothers.
    std::string key = {};
    Mark key_mark = {};

    std::vector<YamlNode> children = {};  // the items of a list, the values of a map
};

// The one document in `text`. Refused are: what is not UTF-8 text, more than 1 MiB, nothing at all,
// a second document, a syntax error, more than 16 levels; a key that is given twice or is no word;
// anchors, aliases, merge keys and tags. Throws nothing of the parser's; a text that cannot be read
// to the end is one broken node.
YamlNode parse_yaml(std::string_view text, Mistakes& mistakes);

}  // namespace myq
