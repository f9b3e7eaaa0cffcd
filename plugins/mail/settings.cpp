#include "plugins/mail/settings.hpp"

#include "plugins/process/run_command.hpp"
#include "plugins/refuse.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace {

void check_header_text(std::string_view option, const std::string& address) {
    refuse_control_characters(option, address);
    if (address.find_first_not_of(' ') == std::string::npos) refuse(option, "is empty");
    const bool is_ascii = std::all_of(address.begin(), address.end(),
                                      [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!is_ascii) refuse(option, "has '" + address + "', which is not ASCII");
}

// For the envelope, and so for a command line: an address and nothing else.
std::string sender(const myq::Options& options) {
    std::string sender = options.text("sender");
    check_header_text("sender", sender);
    if (sender.find_first_of(" <>,") != std::string::npos || sender.starts_with('-'))
        refuse("sender", "must be an address alone, such as shop@example.org");
    return sender;
}

Command command(const myq::Options& options) {
    Command command;
    command.argv = {options.text("sendmail", "/usr/sbin/sendmail")};
    check_program("sendmail", command.argv.front());
    for (const std::string& argument : options.list("arguments"))
        command.argv.push_back(argument);
    // A line with a dot alone does not end a mail; who it goes to stands in its head.
    command.argv.insert(command.argv.end(), {"-i", "-t"});
    if (options.has("sender")) command.argv.insert(command.argv.end(), {"-f", sender(options)});
    command.directory = "/";
    return command;
}

std::optional<LetterHead> head(const myq::Options& options) {
    if (!options.has("to")) {
        for (const char* option : {"from", "subject", "content_type"}) {
            if (options.has(option))
                refuse(option, "is there without 'to': a body is a whole mail");
        }
        return std::nullopt;
    }
    LetterHead head;
    head.to = options.list("to");
    if (head.to.empty()) refuse("to", "is empty");
    for (const std::string& address : head.to)
        check_header_text("to", address);
    head.from = options.text("from");
    if (options.has("from")) check_header_text("from", head.from);
    head.subject = options.text("subject");
    refuse_control_characters("subject", head.subject);
    head.content_type = options.text("content_type", "text/plain; charset=utf-8");
    check_header_text("content_type", head.content_type);
    return head;
}

}  // namespace

MailSettings::MailSettings(const myq::Options& options)
    : command(::command(options)),
      head(::head(options)),
      timeout(positive_duration(options, "timeout", std::chrono::minutes{1})) {}
