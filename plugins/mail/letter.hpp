#pragma once

#include <string>
#include <string_view>
#include <vector>

// A mail that is made around a body: what stands in its head. Every text is printable ASCII but for
// the subject, which is UTF-8; none has a control character.
struct LetterHead {
    std::string from;  // "" for none
    std::vector<std::string> to;
    std::string subject;
    std::string content_type;
    std::string message_id;  // without its brackets; "" for none
};

// The mail as sendmail(8) reads it, lines ended by \n. The body stands there as it is if that is
// safe on every way, else in base64.
std::string letter(const LetterHead& head, std::string_view body);

// Text of a header as RFC 2047 has it: as it is when it is ASCII.
std::string encoded_words(std::string_view text);
