// mail: hands every body to sendmail(8), which every mail system has.
//
//     handlers:
//       - {type: 10, name: mail, plugin: mail}
//       - type: 11
//         name: alarm
//         plugin: mail
//         timeout: 1m
//         options:
//           to: [ops@example.org, "Night Shift <night@example.org>"]
//           from: shop@example.org
//           subject: The shop needs you
//
// Options
//   to             whom it goes to. Without it a body is a whole mail: a head with at least To, Cc
//   or
//                  Bcc, an empty line and a text; so whoever may send to the queue may then write
//                  to anybody as anybody. With it only the text comes from the sender.
//   from           who it is from, in the head; default is sendmail's.
//   subject        in UTF-8.
//   content_type   default "text/plain; charset=utf-8".
//   sender         an address that failures are reported to: sendmail -f.
//   sendmail       the program, default /usr/sbin/sendmail. It is called with -i -t.
//   arguments      more arguments, before those.
//   timeout        for sendmail, default 1m. When the handler's own timeout is shorter, nine tenths
//                  of that (of a long one: all but the last second).
//
// A text that is not plain ASCII, or has lines that are too long for a mail, is sent in base64. A
// message's id makes the Message-ID, ID@HOST, so that one that was sent twice can be told.
//
// The exit status of sendmail (sysexits.h) is the answer
//   0                done: a mail system has taken it over
//   64, 65, 66, 67   reject: no recipient, not a mail, no such user
//   any other        retry, as is a death by a signal and the end of the time
// and what it wrote to its standard error is in the reason.
//
// A sendmail that is set-user-id or set-group-id, as that of Exim and Postfix, needs
// daemon.no_new_privs: false.
#include "plugins/mail/settings.hpp"
#include "plugins/process/run_command.hpp"
#include "plugins/time_to_answer.hpp"

#include <myq/handler.hpp>

#include <limits.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <system_error>

namespace {

constexpr std::size_t longest_quote = 200;  // of the 255 bytes of a reason

// What the exit status means that is the message's fault; "" for any other.
std::string_view final_meaning(int status) {
    switch (status) {
    case 64:
        return "wrong usage, or no recipient";  // EX_USAGE
    case 65:
        return "not a mail that it takes";  // EX_DATAERR
    case 66:
        return "no input";  // EX_NOINPUT
    case 67:
        return "no such user";  // EX_NOUSER
    default:
        return {};
    }
}

std::string host_name() {
    std::array<char, HOST_NAME_MAX + 1> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

class Mail : public myq::Handler {
public:
    explicit Mail(const myq::Start& start)
        : Handler(start),
          settings_(start.options),
          host_(host_name()) {}

    myq::Outcome handle(const myq::Message& message) override {
        try {
            if (!settings_.head) return send(message, message.text());
            LetterHead head = *settings_.head;
            if (!message.id().empty()) head.message_id = std::string(message.id()) + "@" + host_;
            return send(message, letter(head, message.text()));
        } catch (const std::system_error& e) {
            return myq::retry("cannot run " + settings_.command.argv[0] + ": " + e.what());
        }
    }

private:
    myq::Outcome send(const myq::Message& message, std::string_view mail) const {
        const auto time = time_to_answer(message, settings_.timeout);
        std::string words;
        const auto end =
            run_command(settings_.command, {standard_path}, mail, Patience{time, answer_step(time)},
                        Output([this](std::string_view line) { log(myq::Level::debug, line); }),
                        Output([&](std::string_view line) {
                            log(myq::Level::warn, line);
                            if (words.size() < longest_quote)
                                words += (words.empty() ? "" : "; ") + std::string(line);
                        }));
        if (!end) return myq::retry("sendmail did not end within " + readable(time));
        if (!end->by_signal && end->code == 0) return myq::done();

        const std::string_view meaning = end->by_signal ? "" : final_meaning(end->code);
        std::string reason = describe(*end);
        if (!meaning.empty()) reason += " (" + std::string(meaning) + ")";
        if (!words.empty()) reason += ": " + words.substr(0, longest_quote);
        return meaning.empty() ? myq::retry(reason) : myq::reject(reason);
    }

    MailSettings settings_;
    std::string host_;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Mail>({
        .name = "mail",
        .version = "1.0",
        .options = {{.name = "to",
                     .kind = MYQ_OPTION_LIST,
                     .help = "whom a body goes to; without it a body is a whole mail"},
                    {.name = "from", .kind = MYQ_OPTION_TEXT, .help = "who it is from"},
                    {.name = "subject", .kind = MYQ_OPTION_TEXT, .help = "the subject, in UTF-8"},
                    {.name = "content_type",
                     .kind = MYQ_OPTION_TEXT,
                     .default_value = "text/plain; charset=utf-8",
                     .help = "what the bodies are"},
                    {.name = "sender",
                     .kind = MYQ_OPTION_TEXT,
                     .help = "the address that failures are reported to"},
                    {.name = "sendmail",
                     .kind = MYQ_OPTION_PATH,
                     .default_value = "/usr/sbin/sendmail",
                     .help = "the program that takes a mail"},
                    {.name = "arguments",
                     .kind = MYQ_OPTION_LIST,
                     .help = "more arguments for it, before -i -t"},
                    {.name = "timeout",
                     .kind = MYQ_OPTION_DURATION,
                     .default_value = "1m",
                     .help = "how long it may take"}},
        .check = [](const myq::Options& options) { const MailSettings ignored{options}; },
    });
}
