// mail, with a sendmail that keeps what it was given.
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

TEST_SUITE("mail") {

namespace {

const Answer done{MYQ_DONE, ""};

// A program that does what the script says, in a directory of its own.
class Sendmail {
public:
    explicit Sendmail(const std::string& script = "cat >mail; printf '%s|' \"$@\" >arguments") {
        std::ofstream(file()) << "#!/bin/sh\ncd '" + (dir_ / "").string() + "'\n" + script + "\n";
        ::chmod(file().c_str(), 0755);
    }
    std::string file() const { return dir_ / "sendmail"; }
    std::string mail() const { return contents(dir_ / "mail"); }
    std::string arguments() const { return contents(dir_ / "arguments"); }

    OptionMap options(OptionMap more = {}) const {
        more.emplace_back("sendmail", std::vector<std::string>{file()});
        return more;
    }

private:
    TempDir dir_;
};

std::string subject(const Sendmail& sendmail) {
    const std::string mail = sendmail.mail();
    const auto begin = mail.find("Subject: ");
    return mail.substr(begin, mail.find("\nAuto") - begin);
}

std::string tail(const std::string& mail) {
    return mail.substr(mail.find("Content-Transfer-Encoding: "));
}

}  // namespace

TEST_CASE("mail: a whole mail goes to sendmail as it is") {
    const Sendmail sendmail;
    StartedPlugin mail("mail", sendmail.options({{"arguments", {"-C", "/etc/x"}}}));
    const std::string whole("To: a@example.org\nSubject: s\n\n.\n\0\xff", 35);
    CHECK(mail.handle(whole) == done);
    CHECK(sendmail.mail() == whole);
    CHECK(sendmail.arguments() == "-C|/etc/x|-i|-t|");
}

TEST_CASE("mail: with a recipient the body is the text, and the head is ours") {
    const Sendmail sendmail;
    StartedPlugin mail("mail", sendmail.options({{"to", {"a@example.org", "B <b@example.org>"}},
                                                 {"from", {"shop@example.org"}},
                                                 {"subject", {"An order"}},
                                                 {"sender", {"bounces@example.org"}}}));
    CHECK(mail.handle("Bcc: everybody@example.org\n\nno head of ours\n",
                      {.id = "00112233445566778899aabbccddeeff"}) == done);
    std::array<char, 65> host{};
    ::gethostname(host.data(), host.size() - 1);
    CHECK(sendmail.mail() == "From: shop@example.org\n"
                             "To: a@example.org,\n B <b@example.org>\n"
                             "Subject: An order\n"
                             "Message-ID: <00112233445566778899aabbccddeeff@" +
                                 std::string(host.data()) +
                                 ">\n"
                                 "Auto-Submitted: auto-generated\n"
                                 "MIME-Version: 1.0\n"
                                 "Content-Type: text/plain; charset=utf-8\n"
                                 "Content-Transfer-Encoding: 7bit\n"
                                 "\n"
                                 "Bcc: everybody@example.org\n\nno head of ours\n");
    CHECK(sendmail.arguments() == "-i|-t|-f|bounces@example.org|");
    CHECK(mail.handle("unended") == done);
    CHECK(sendmail.mail().find("Message-ID") == std::string::npos);
    CHECK(sendmail.mail().ends_with("\n\nunended\n"));
}

TEST_CASE("mail: a text that not every mail system would leave alone is sent in base64") {
    const Sendmail sendmail;
    StartedPlugin mail("mail", sendmail.options({{"to", {"a@example.org"}},
                                                 {"content_type", {"text/html; charset=utf-8"}}}));
    const std::string ascii = "Content-Transfer-Encoding: 7bit\n\n";
    const std::string encoded = "Content-Transfer-Encoding: base64\n\n";
    const auto sent = [&](const std::string& body) {
        CHECK(mail.handle(body) == done);
        return tail(sendmail.mail());
    };
    const std::string longest = std::string(998, 'x') + "\n";
    CHECK(sent("") == ascii + "\n");
    CHECK(sent("~\t .\n.\n") == ascii + "~\t .\n.\n");
    CHECK(sent(longest + longest) == ascii + longest + longest);
    CHECK(sent("\n" + longest + "x") == ascii + "\n" + longest + "x\n");
    CHECK(sent("x" + longest).starts_with(encoded + "eHh4"));
    CHECK(sent(longest + "x" + longest).starts_with(encoded));
    CHECK(sent(std::string("\0", 1)) == encoded + "AA==\n");
    CHECK(sent("a\r\n") == encoded + "YQ0K\n");
    CHECK(sent("\xc3\xbc") == encoded + "w7w=\n");
    const std::string line(76, 'A');
    CHECK(sent(std::string(58, '\0')) == encoded + line + "\nAA==\n");
    CHECK(sendmail.mail().find("Content-Type: text/html; charset=utf-8\n") != std::string::npos);
}

TEST_CASE("mail: a subject beyond ASCII is in words that hold whole characters") {
    const Sendmail sendmail;
    const auto with = [&](const std::string& text) {
        StartedPlugin mail("mail",
                           sendmail.options({{"to", {"a@example.org"}}, {"subject", {text}}}));
        mail.handle("");
        return subject(sendmail);
    };
    CHECK(with("gr\xc3\xbc\xc3\x9f dich") == "Subject: =?UTF-8?B?Z3LDvMOfIGRpY2g=?=");
    // 44 bytes, and the 45th is the first half of one.
    CHECK(with(std::string(44, 'x') + "\xc3\xbc") ==
          "Subject: =?UTF-8?B?eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=?=\n"
          " =?UTF-8?B?w7w=?=");
}

TEST_CASE("mail: the exit status says what became of it, and its words why") {
    const auto answer = [](const std::string& script) {
        const Sendmail sendmail(script);
        return StartedPlugin("mail", sendmail.options()).handle("body");
    };
    const auto is = [](int verdict, const std::string& reason) { return Answer{verdict, reason}; };
    CHECK(answer("exit 0") == done);
    CHECK(answer("echo fatal: nobody there >&2; exit 64") ==
          is(MYQ_REJECT, "exit status 64 (wrong usage, or no recipient): fatal: nobody there"));
    CHECK(answer("exit 65") == is(MYQ_REJECT, "exit status 65 (not a mail that it takes)"));
    CHECK(answer("exit 66") == is(MYQ_REJECT, "exit status 66 (no input)"));
    CHECK(answer("exit 67") == is(MYQ_REJECT, "exit status 67 (no such user)"));
    take_log();
    CHECK(answer("echo one >&2; echo out; echo two >&2; exit 75") ==
          is(MYQ_RETRY, "exit status 75: one; two"));
    CHECK(take_log().size() == 3);
    for (const int status : {1, 68, 69, 70, 71, 72, 73, 74, 76, 77, 78, 127}) {
        CAPTURE(status);
        CHECK(answer("exit " + std::to_string(status)) ==
              is(MYQ_RETRY, "exit status " + std::to_string(status)));
    }
    CHECK(answer("kill -TERM $$") == is(MYQ_RETRY, "killed by SIGTERM"));
}

TEST_CASE("mail: a sendmail that hangs is ended before the message's timeout, or after its own") {
    const Sendmail sendmail("exec sleep 3600");
    CHECK(StartedPlugin("mail", sendmail.options()).handle("", {.timeout_ms = 400}) ==
          Answer{MYQ_RETRY, "sendmail did not end within 360 ms"});
    CHECK(StartedPlugin("mail", sendmail.options({{"timeout", {"50ms"}}})).handle("") ==
          Answer{MYQ_RETRY, "sendmail did not end within 50 ms"});
}

TEST_CASE("mail: a sendmail that went away after the start is not the message's fault") {
    const Sendmail sendmail;
    StartedPlugin mail("mail", sendmail.options());
    std::filesystem::remove(sendmail.file());
    CHECK(mail.handle("") == Answer{MYQ_RETRY, "cannot run " + sendmail.file() +
                                                   ": execve: No such file or directory"});
}

TEST_CASE("mail: options that cannot work are refused with the reason") {
    const Sendmail sendmail;
    const auto with = [&](const OptionMap& more) {
        return refusal("mail", sendmail.options(more));
    };
    const OptionMap to = {{"to", {"a@example.org"}}};
    const auto and_to = [&](const std::string& name, const std::string& value) {
        OptionMap options = to;
        options.emplace_back(name, std::vector<std::string>{value});
        return with(options);
    };
    CHECK(with({}) == "");
    CHECK(with(to) == "");
    CHECK(and_to("subject", "gr\xc3\xbc\xc3\x9f") == "");

    CHECK(refusal("mail", {{"sendmail", {"/no/sendmail"}}}) ==
          "option 'sendmail': /no/sendmail: does not exist");
    CHECK(with({{"subject", {"s"}}}) ==
          "option 'subject' is there without 'to': a body is a whole mail");
    CHECK(with({{"to", {}}}) == "option 'to' is empty");
    CHECK(with({{"to", {" "}}}) == "option 'to' is empty");
    CHECK(with({{"to", {"a@b\nBcc: c@d"}}}) == "option 'to' has a control character in it");
    CHECK(and_to("from", "a@b\r\nBcc: c@d") == "option 'from' has a control character in it");
    CHECK(and_to("subject", "s\nBcc: c@d") == "option 'subject' has a control character in it");
    CHECK(and_to("content_type", "a/b\n\nx") ==
          "option 'content_type' has a control character in it");
    CHECK(and_to("from", "gr\xc3\xbc@b") == "option 'from' has 'gr\xc3\xbc@b', which is not ASCII");
    for (const char* sender : {"-bs", "A <a@b>", "a@b,c@d", "a b"})
        CHECK(and_to("sender", sender) ==
              "option 'sender' must be an address alone, such as shop@example.org");
    CHECK(and_to("timeout", "0ms") == "option 'timeout' must be 1ms to 24h");
}

}  // TEST_SUITE("mail")
