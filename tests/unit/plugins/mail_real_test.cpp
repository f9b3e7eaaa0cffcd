// mail, through a real sendmail (msmtp's) to a real server that speaks SMTP.
#include "tests/support/run.hpp"
#include "tests/support/server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

TEST_SUITE("mail_real") {

namespace fs = std::filesystem;

namespace {

const Answer done{MYQ_DONE, ""};

class Stage {
public:
    Stage() {
        fs::create_directory(dir.path() / "mails");
        myq::test::write_file(config(), "account default\nsocket " + socket() +
                                            "\nhost localhost\nfrom default@example.org\n");
        start();
    }
    void start() {
        fs::remove(socket());
        server = std::make_unique<myq::test::Server>(
            std::vector<std::string>{SMTP_SERVER, socket(), dir.path() / "mails"},
            dir.path() / "smtp.log");
        REQUIRE(myq::test::eventually([&] { return myq::test::listens(socket()); }));
    }
    OptionMap options(OptionMap more = {}) const {
        more.insert(more.end(),
                    {{"sendmail", {"/usr/bin/msmtp"}}, {"arguments", {"-C", config()}}});
        return more;
    }
    std::string socket() const { return dir.path() / "smtp.sock"; }
    std::string config() const { return dir.path() / "msmtprc"; }
    std::string mail(const std::string& number) const {
        return myq::test::read_file(dir.path() / "mails" / number);
    }

    myq::test::TempDir dir;
    std::unique_ptr<myq::test::Server> server;
};

}  // namespace

TEST_CASE("mail: what a server takes is done, what it refuses dead, and what it puts off waits") {
    Stage stage;
    StartedPlugin whole("mail", stage.options());
    CHECK(whole.handle("To: a@example.org\nCc: b@example.org\n\n.\nthe end\n") == done);
    const std::string first = stage.mail("000001");
    CHECK(first.starts_with("default@example.org -> a@example.org b@example.org\n"));
    CHECK(first.ends_with("\n\n.\nthe end\n"));

    StartedPlugin made("mail", stage.options({{"to", {"Ann <ann@example.org>"}},
                                              {"from", {"shop@example.org"}},
                                              {"sender", {"bounces@example.org"}}}));
    CHECK(made.handle("Bcc: all@example.org\n\ntext") == done);
    const std::string second = stage.mail("000002");
    CHECK(second.starts_with("bounces@example.org -> ann@example.org\n"));
    CHECK(second.ends_with("\n\nBcc: all@example.org\n\ntext\n"));

    const Answer nobody = whole.handle("To: nobody@example.org\n\ntext\n");
    CHECK_MESSAGE(nobody.verdict == MYQ_REJECT, nobody.reason);
    CHECK_MESSAGE(nobody.reason.find("nobody@example.org") != std::string::npos, nobody.reason);
    const Answer later = whole.handle("To: later@example.org\n\ntext\n");
    CHECK_MESSAGE(later.verdict == MYQ_RETRY, later.reason);
    const Answer no_recipient = whole.handle("Subject: s\n\ntext\n");
    CHECK_MESSAGE(no_recipient.verdict == MYQ_REJECT, no_recipient.reason);

    stage.server.reset();
    const Answer gone = whole.handle("To: a@example.org\n\nlate\n");
    CHECK_MESSAGE(gone.verdict == MYQ_RETRY, gone.reason);
    stage.start();
    CHECK(whole.handle("To: a@example.org\n\nlate\n") == done);
    CHECK(stage.mail("000003").ends_with("\n\nlate\n"));
    take_log();
}

}  // TEST_SUITE("mail_real")
