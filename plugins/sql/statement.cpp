#include "plugins/sql/statement.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>

namespace {

bool is_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) != 0 || byte == '_' || byte >= 0x80;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Walks a statement from one interesting place to the next.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    int highest_parameter() {
        int highest = 0;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\'')
                skip_quoted(c, follows_e());
            else if (c == '"')
                skip_quoted(c, false);
            else if (rest().starts_with("--"))
                skip_past("\n");
            else if (rest().starts_with("/*"))
                skip_comment();
            else if (c == '$' && !follows_word())
                highest = std::max(highest, take_dollar());
            else
                ++at_;
        }
        return highest;
    }

private:
    std::string_view rest() const { return text_.substr(at_); }

    // In a word a dollar sign is a letter: a$1 is a name.
    bool follows_word() const {
        return at_ > 0 && (is_word(text_[at_ - 1]) || text_[at_ - 1] == '$');
    }

    // E'...' knows the backslash.
    bool follows_e() const {
        if (at_ == 0 || std::tolower(static_cast<unsigned char>(text_[at_ - 1])) != 'e')
            return false;
        return at_ == 1 || !is_word(text_[at_ - 2]);
    }

    void skip_past(std::string_view end) {
        const std::size_t found = text_.find(end, at_);
        at_ = found == std::string_view::npos ? text_.size() : found + end.size();
    }

    // A doubled quote ends one and begins the next, which comes to the same.
    void skip_quoted(char quote, bool has_escapes) {
        for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
            if (has_escapes && text_[at_] == '\\') ++at_;
        }
        ++at_;
    }

    // They nest.
    void skip_comment() {
        int depth = 0;
        do {
            if (rest().starts_with("/*"))
                ++depth, at_ += 2;
            else if (rest().starts_with("*/"))
                --depth, at_ += 2;
            else
                ++at_;
        } while (depth > 0 && at_ < text_.size());
    }

    // $1, or what begins with $$ or $tag$ and ends with the same.
    int take_dollar() {
        std::size_t end = at_ + 1;
        while (end < text_.size() && is_word(text_[end]))
            ++end;
        const std::string_view word = text_.substr(at_ + 1, end - at_ - 1);
        const bool is_tag = word.empty() || !is_digit(word.front());
        if (is_tag && end < text_.size() && text_[end] == '$') {
            const std::string_view tag = text_.substr(at_, end + 1 - at_);
            at_ = end + 1;
            skip_past(tag);
            return 0;
        }
        int number = 0;
        std::from_chars(word.data(), word.data() + word.size(), number);
        at_ = end;
        return number;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

int highest_parameter(std::string_view statement) {
    return Reader(statement).highest_parameter();
}
