#include "config/yaml_tree.hpp"

#include "config/text.hpp"
#include "ipc/printable.hpp"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace myq {

namespace {

constexpr std::size_t largest_text = std::size_t{1} << 20U;
constexpr std::size_t deepest_level = 16;

Mark to_mark(const YAML::Mark& mark) {
    return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1};
}

// Thrown through the parser at a second document: reading on would only add noise.
struct Abandoned {};

// Builds the tree from the parser's events, which come before yaml-cpp resolves anything: an alias
// is one event and never a node, and both of two equal keys are seen.
class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(std::string_view text, Mistakes& mistakes) : text_(text), mistakes_(mistakes) {}

    YamlNode take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ == 1) return;
        mistakes_.add(to_mark(mark), "", "a second document: a configuration is one document");
        throw Abandoned{};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add_scalar({.kind = YamlNode::Kind::null, .mark = to_mark(mark)}, anchor, false);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        // "?" is a plain scalar without a tag, "!" one in quotes, or a plain one that says "!".
        const auto kind = tag == "?" ? YamlNode::Kind::plain : YamlNode::Kind::quoted;
        const auto position = static_cast<std::size_t>(mark.pos);
        const bool has_tag =
            (tag != "?" && tag != "!") || (position < text_.size() && text_[position] == '!');
        add_scalar({.kind = kind, .mark = to_mark(mark), .text = value}, anchor, has_tag);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        if (skipped_levels_ > 0) return;
        mistakes_.add(to_mark(mark), path(), "an alias (*name): write the value out");
        add({.mark = to_mark(mark)});
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open({.kind = YamlNode::Kind::list, .mark = to_mark(mark)}, anchor, tag != "?");
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open({.kind = YamlNode::Kind::map, .mark = to_mark(mark)}, anchor, tag != "?");
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

private:
    // A list or map whose end has not come yet.
    struct Level {
        YamlNode node;
        std::map<std::string, int> lines = {};  // of each key so far
        bool expects_value = false;
        std::optional<std::string> key =
            {};  // nullopt while expecting a value: that is thrown away
        Mark key_mark = {};
    };

    void add_scalar(YamlNode node, YAML::anchor_t anchor, bool has_tag) {
        if (skipped_levels_ > 0) return;
        if (anchor != YAML::NullAnchor || has_tag) refuse_decoration(node, has_tag);
        if (node.text.find('\0') != std::string::npos) {
            mistakes_.add(node.mark, path(), "contains a NUL character, which no text here may");
            node.kind = YamlNode::Kind::broken;
        }
        add(std::move(node));
    }

    void open(YamlNode node, YAML::anchor_t anchor, bool has_tag) {
        if (skipped_levels_ > 0 || levels_.size() == deepest_level) {
            if (skipped_levels_++ == 0) {
                mistakes_.add(node.mark, path(),
                              fmt::format("nested more than {} levels deep", deepest_level));
            }
            return;
        }
        if (anchor != YAML::NullAnchor || has_tag) refuse_decoration(node, has_tag);
        levels_.push_back({.node = std::move(node)});
    }

    void close() {
        if (skipped_levels_ > 0) {
            if (--skipped_levels_ == 0) add({});
            return;
        }
        YamlNode node = std::move(levels_.back().node);
        levels_.pop_back();
        add(std::move(node));
    }

    void refuse_decoration(const YamlNode& node, bool has_tag) {
        mistakes_.add(node.mark, path(),
                      has_tag ? "a tag (!name): leave it out"
                              : "an anchor (&name): leave it out, nothing may refer to it");
    }

    // Puts a finished node where it belongs: at the root, behind the last item, under its key, or
    // it is the next key itself.
    void add(YamlNode node) {
        if (levels_.empty()) {
            root_ = std::move(node);
            return;
        }
        Level& level = levels_.back();
        const bool is_item = level.node.kind == YamlNode::Kind::list;
        if (!is_item && !level.expects_value) {
            take_key(node);
            return;
        }
        if (!is_item && level.key) {
            node.key = *std::exchange(level.key, std::nullopt);
            node.key_mark = level.key_mark;
        } else if (!is_item) {
            level.expects_value = false;
            return;
        }
        // For nothing the parser gives the place of whatever comes after it.
        if (node.kind == YamlNode::Kind::null) {
            node.mark = is_item ? level.node.mark : node.key_mark;
        }
        level.expects_value = false;
        level.node.children.push_back(std::move(node));
    }

    void take_key(const YamlNode& node) {
        Level& level = levels_.back();
        level.expects_value = true;
        level.key_mark = node.mark;
        const bool is_word =
            node.kind == YamlNode::Kind::plain || node.kind == YamlNode::Kind::quoted;
        if (node.kind == YamlNode::Kind::broken) return;
        if (!is_word || node.text.empty()) {
            mistakes_.add(node.mark, path(), "a key that is not a word");
            return;
        }
        if (node.kind == YamlNode::Kind::plain && node.text == "<<") {
            mistakes_.add(node.mark, path(), "a merge key (<<): write the values out");
            return;
        }
        const auto [first, is_new] = level.lines.emplace(node.text, node.mark.line);
        level.key = node.text;
        if (!is_new) {
            mistakes_.add(node.mark, path(),
                          fmt::format("given twice, first in line {}", first->second));
            level.key.reset();
        }
    }

    // The dotted path of the node that the next event is about.
    std::string path() const {
        std::string text;
        for (const Level& level : levels_) {
            if (!level.key) continue;
            if (!text.empty()) text += '.';
            text += *level.key;
        }
        return text;
    }

    std::string_view text_;
    Mistakes& mistakes_;
    std::vector<Level> levels_;
    std::size_t skipped_levels_ = 0;
    int documents_ = 0;
    YamlNode root_;
};

struct Hint {
    std::string_view message;  // the parser's
    std::string_view hint;
};

const std::array hints = {
    Hint{YAML::ErrorMsg::MAP_VALUE,
         "a ':' behind what cannot be a key; put a text that has one in quotes"},
    Hint{YAML::ErrorMsg::END_OF_MAP, "a line without a ':', or not indented like its neighbours"},
    Hint{YAML::ErrorMsg::END_OF_SEQ, "a line without a '-', or not indented like its neighbours"},
    Hint{YAML::ErrorMsg::END_OF_MAP_FLOW, "a '{' or a quote that is never closed"},
    Hint{YAML::ErrorMsg::END_OF_SEQ_FLOW, "a '[' or a quote that is never closed"},
    Hint{YAML::ErrorMsg::FLOW_END, "a bracket that closes another than was opened last"},
};

// The first line, up to line `last`, whose indentation has a tab. The parser stumbles over it
// somewhere behind, and never says "tab".
std::optional<Mark> tab_in_indentation(std::string_view text, int last) {
    for (int line = 1; line <= last; ++line) {
        const std::size_t end = text.find('\n');
        const std::string_view indentation = text.substr(0, text.find_first_not_of(" \t"));
        const std::size_t tab = indentation.find('\t');
        if (tab < end) return Mark{line, static_cast<int>(tab) + 1};
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return std::nullopt;
}

void add_syntax_error(std::string_view text, const YAML::Exception& error, Mistakes& mistakes) {
    const Mark mark = to_mark(error.mark);
    if (const auto tab = tab_in_indentation(text, mark.line)) {
        mistakes.add(*tab, "", "not YAML: a tab in the indentation; only blanks may be there");
        return;
    }
    const auto* hint = std::find_if(hints.begin(), hints.end(),
                                    [&](const Hint& one) { return one.message == error.msg; });
    // The parser's own words may end in whatever byte it stumbled over.
    mistakes.add(mark, "",
                 fmt::format("not YAML: {}",
                             hint == hints.end() ? printable(error.msg) : std::string(hint->hint)));
}

bool is_readable(std::string_view text, Mistakes& mistakes) {
    if (text.size() > largest_text) {
        mistakes.add({}, "",
                     fmt::format("{} bytes: a configuration is at most 1 MiB", text.size()));
        return false;
    }
    const std::optional<std::size_t> bad = first_non_text(text);
    if (!bad) return true;
    const std::string_view before = text.substr(0, *bad);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    mistakes.add(
        {static_cast<int>(line), static_cast<int>(*bad - line_start) + 1}, "",
        fmt::format("byte {:#04x} is not UTF-8 text", static_cast<unsigned char>(text[*bad])));
    return false;
}

}  // namespace

YamlNode parse_yaml(std::string_view text, Mistakes& mistakes) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (!is_readable(text, mistakes)) return {};

    std::istringstream stream{std::string(text)};
    TreeBuilder builder{text, mistakes};
    try {
        YAML::Parser parser{stream};
        if (!parser.HandleNextDocument(builder)) {
            mistakes.add({}, "", "is empty: at least one queue is needed");
            return {};
        }
        parser.HandleNextDocument(builder);
    } catch (const Abandoned&) {
        return builder.take();  // the first document is whole
    } catch (const YAML::DeepRecursion&) {
        return {};  // the seventeenth level is on record
    } catch (const YAML::Exception& e) {
        add_syntax_error(text, e, mistakes);
        return {};
    }
    return builder.take();
}

}  // namespace myq
