#include "plugins/mail/letter.hpp"

#include "plugins/base64.hpp"

#include <algorithm>
#include <cstddef>

namespace {

constexpr std::size_t longest_line = 998;  // RFC 5322
constexpr std::size_t base64_line = 57;    // bytes that are 76 digits
constexpr std::size_t word_bytes = 45;     // that are 60 digits of the 75 of an encoded word

bool is_ascii_text(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= ' ' && c <= '~') || c == '\t' || c == '\n'; });
}

bool has_long_line(std::string_view text) {
    while (text.size() > longest_line) {
        const std::size_t end = text.substr(0, longest_line + 1).rfind('\n');
        if (end == std::string_view::npos) return true;
        text.remove_prefix(end + 1);
    }
    return false;
}

// Where a piece of at most `most` bytes ends, not within a character of UTF-8.
std::size_t piece_end(std::string_view text, std::size_t most) {
    if (text.size() <= most) return text.size();
    std::size_t end = most;
    while (end > most - 4 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U)
        --end;
    return end;
}

void add_body(std::string& mail, std::string_view body) {
    if (is_ascii_text(body) && !has_long_line(body)) {
        mail += "Content-Transfer-Encoding: 7bit\n\n";
        mail += body;
        if (!body.ends_with('\n')) mail += '\n';
        return;
    }
    mail += "Content-Transfer-Encoding: base64\n\n";
    for (std::size_t at = 0; at < body.size(); at += base64_line)
        mail += base64(body.substr(at, base64_line)) + '\n';
}

}  // namespace

std::string encoded_words(std::string_view text) {
    if (is_ascii_text(text)) return std::string(text);
    std::string words;
    while (!text.empty()) {
        const std::size_t end = piece_end(text, word_bytes);
        if (!words.empty()) words += "\n ";
        words += "=?UTF-8?B?" + base64(text.substr(0, end)) + "?=";
        text.remove_prefix(end);
    }
    return words;
}

std::string letter(const LetterHead& head, std::string_view body) {
    std::string mail;
    if (!head.from.empty()) mail += "From: " + head.from + '\n';
    for (const std::string& address : head.to)
        mail += (&address == &head.to.front() ? "To: " : ",\n ") + address;
    mail += '\n';
    if (!head.subject.empty()) mail += "Subject: " + encoded_words(head.subject) + '\n';
    if (!head.message_id.empty()) mail += "Message-ID: <" + head.message_id + ">\n";
    mail += "Auto-Submitted: auto-generated\n";  // RFC 3834: nobody is to answer "on holiday"
    mail += "MIME-Version: 1.0\n";
    mail += "Content-Type: " + head.content_type + '\n';
    add_body(mail, body);
    return mail;
}
