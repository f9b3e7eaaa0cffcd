// The plugin mail in the real daemon, with a real sendmail and a mail server that comes and goes.
#include "tests/support/daemon_process.hpp"
#include "tests/support/server.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>

TEST_SUITE("mail") {

using namespace myq::test;
namespace fs = std::filesystem;

TEST_CASE("mail: a mail server that is killed and started again under load gets every mail" *
          doctest::test_suite("long")) {
    const TempDir dir;
    const fs::path socket = dir.path() / "smtp.sock";
    const fs::path mails = dir.path() / "mails";
    fs::create_directory(mails);
    write_file(dir.path() / "msmtprc",
               fmt::format("account default\nsocket {}\nhost localhost\nfrom a@example.org\n",
                           socket.string()));
    std::unique_ptr<Server> server;
    const auto start = [&] {
        fs::remove(socket);
        server = std::make_unique<Server>(std::vector<std::string>{SMTP_SERVER, socket, mails},
                                          dir.path() / "smtp.log");
        REQUIRE(eventually([&] { return listens(socket); }));
    };
    start();
    const DaemonProcess daemon(
        {{"mail"},
         fmt::format("receivers: 2\n"
                     "retry: {{attempts: 1000, delay: 20ms, max_delay: 200ms}}\n"
                     "handlers: [{{type: any, plugin: mail, timeout: 30s, options: {{\n"
                     "  sendmail: /usr/bin/msmtp, arguments: [-C, {}], to: b@example.org}}}}]\n",
                     (dir.path() / "msmtprc").string()),
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    constexpr std::size_t messages = 150;
    for (std::size_t i = 0; i < messages; ++i)
        daemon.send(1, fmt::format("order {}", i));
    const auto taken = [&] {
        std::set<std::string> texts;
        for (const auto& file : fs::directory_iterator(mails)) {
            const std::string mail = read_file(file.path());
            if (file.path().extension() != ".new") texts.insert(mail.substr(mail.rfind("order")));
        }
        return texts.size();
    };
    for (const std::size_t part : {1U, 2U}) {
        CHECK(eventually([&] { return taken() >= messages * part / 3; }));
        server.reset();
        CHECK(daemon.logged("failed: exit status ", static_cast<int>(part)));
        start();
    }
    CHECK(eventually([&] { return taken() == messages; }));
    CHECK(count(daemon.log(), "is dead") == 0);
}

TEST_CASE("mail: a wrong option is named with its line before anything starts") {
    struct Row {
        const char* options;
        const char* sentence;
    };
    const Row rows[] = {
        {"{sendmail: msmtp}", "options.sendmail: 'msmtp' is not an absolute path"},
        {"{recipient: a@b}", "options.recipient: plugin mail has no such option"},
        {"{sendmail: /bin/true, to: \"a@b\\nBcc: c@d\"}",
         "options: plugin mail: option 'to' has a control character in it"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.options));
        const DaemonProcess daemon(
            {{"mail"},
             fmt::format("handlers: [{{type: any, plugin: mail, options: {}}}]", row.options),
             {}});
        const Run check = daemon.myqd({"-t"});
        CHECK(check.exit_code == 78);
        CHECK_MESSAGE(check.err.find(row.sentence) != std::string::npos, check.err);
        CHECK(check.err.find("myq.yaml:8:") != std::string::npos);
    }
}

}  // TEST_SUITE("mail")
