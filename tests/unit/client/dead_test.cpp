// dead list, show, retry and drop, on the real journal.
#include "client/moment.hpp"
#include "config/config.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/control_socket.hpp"
#include "tests/unit/client/journaled.hpp"
#include "tests/unit/client/shown.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

TEST_SUITE("dead") {

using namespace myq;
using namespace myq::test;
using nlohmann::ordered_json;

namespace {

constexpr std::int64_t hour = 3'600'000;

std::vector<ordered_json> list(std::vector<std::string> args = {}) {
    args.insert(args.begin(), {"dead", "list", "--json"});
    const Outcome outcome = test::myq(args);
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    std::vector<ordered_json> entries;
    for (std::size_t at = 0; at < outcome.out.size();) {
        const std::size_t end = outcome.out.find('\n', at);
        entries.push_back(ordered_json::parse(outcome.out.substr(at, end - at)));
        at = end + 1;
    }
    return entries;
}

std::string bodies(const std::vector<std::string>& args = {}) {
    std::string text;
    for (const ordered_json& entry : list(args))
        text += entry["body"];
    return text;
}

// Four dead messages, a b c d, and two that live.
void fill(const Journaled& journal) {
    journal.insert("jobs", dead(7, "a", "killed by SIGSEGV in plugin resize 1.2.0"));
    journal.insert("jobs", dead(1, "b", "no answer for 30 s"));
    journal.insert("mails", dead(7, "c", "refused: no such mailbox"));
    journal.insert("jobs", dead(7, "d", "killed by SIGKILL"));
    journal.insert("jobs", message(7, "alive"));
    NewMessage later = message(7, "later");
    later.due_ms = now_ms() + hour;
    journal.insert("jobs", later);
}

const std::string not_running = "myq: myqd is not running: they will be tried when it starts\n";

}  // namespace

TEST_CASE("Without a journal no message is dead, and none is retried, dropped or shown") {
    const Journaled journal;
    for (const bool has_directory : {true, false}) {
        if (!has_directory) std::filesystem::remove(journal.directory());
        check_myq({"dead", "list"}, 0, "no message is dead\n", "");
        check_myq({"dead", "list", "--json"}, 0, "", "");
        check_myq({"dead", "retry", "--all"}, 0, "0 messages will be tried again\n", "");
        check_myq({"dead", "drop", "--all"}, 0, "0 messages dropped\n", "");
        check_myq({"dead", "show", "1"}, 69, "",
                  "myq: 1: no message has this number, or it is no more: see which there are: myq "
                  "dead list\n");
    }
}

TEST_CASE("dead list shows the dead, oldest first, with the names of the config") {
    const Journaled journal;
    fill(journal);
    const Outcome outcome = test::myq({"dead", "list"});
    CHECK(outcome.status == 0);
    CHECK(outcome.err.empty());
    CHECK(shown(outcome.out) ==
          "NUMBER QUEUE/TYPE DIED ATTEMPTS REASON BODY\n"
          " 1 jobs/resize N ago 0 killed by SIGSEGV in plugin resize 1.2.0 a\n"
          " 2 jobs/note N ago 0 no answer for N b\n"
          " 3 mails/7 N ago 0 refused: no such mailbox c\n"
          " 4 jobs/resize N ago 0 killed by SIGKILL d\n");
}

TEST_CASE("What comes from messages is printable, and a long body only begins") {
    const Journaled journal;
    journal.insert("jobs", dead(1, "\x1b[31m\n" + std::string(200, 'x'), "said \x07"));
    const std::string out = test::myq({"dead", "list"}).out;
    CHECK(out.find("  said \\x07  \\x1b[31m\\n" + std::string(94, 'x') + "...\n") !=
          std::string::npos);
    const ordered_json json = list().front();
    CHECK(json["reason"] == "said \a");
    CHECK(json["size"] == 206);
    CHECK(json["body"].get<std::string>().size() == 206);
}

TEST_CASE("dead list has filters, and all that are given must hold") {
    const Journaled journal;
    fill(journal);
    CHECK(bodies() == "abcd");
    CHECK(bodies({"--queue", "jobs"}) == "abd");
    CHECK(bodies({"--queue", "nosuch"}).empty());
    CHECK(bodies({"--type", "7"}) == "acd");
    CHECK(bodies({"--type", "resize"}) == "acd");
    CHECK(bodies({"--queue", "jobs", "--type", "note"}) == "b");
    CHECK(bodies({"--match", "SIG"}) == "ad");
    CHECK(bodies({"--match", "b"}).find('b') != std::string::npos);
    CHECK(bodies({"--since", "1h"}) == "abcd");
    CHECK(bodies({"--since", "@4000000000"}).empty());
    CHECK(bodies({"--since", "@1000000000"}) == "abcd");
    CHECK(bodies({"2", "4", "2", "99"}) == "bd");
    CHECK(bodies({"2", "3", "--queue", "jobs"}) == "b");
    check_myq({"dead", "list", "--queue", "nosuch"}, 0, "no dead message is such\n", "");
}

TEST_CASE("dead list shows fifty, and how many more there are") {
    const Journaled journal;
    journal.with([](Journal& open) {
        open.transact(Survives::kill, [&] {
            const std::int64_t jobs = open.queue_number("jobs");
            for (int i = 0; i < 60; ++i)
                open.insert(jobs, dead(1, "x", "why"));
        });
    });
    const auto lines = [](const std::string& text) {
        return std::count(text.begin(), text.end(), '\n');
    };
    const std::string out = test::myq({"dead", "list"}).out;
    CHECK(lines(out) == 1 + 50 + 1);
    CHECK(out.ends_with("\n... and 10 more: list them all with --all\n"));
    CHECK(lines(test::myq({"dead", "list", "--all"}).out) == 61);
    CHECK(test::myq({"dead", "list", "--count", "59"})
              .out.ends_with("\n... and 1 more: list them "
                             "all with --all\n"));
    CHECK(lines(test::myq({"dead", "list", "--count", "60"}).out) == 61);
    CHECK(list().size() == 50);
    CHECK(list({"--all"}).size() == 60);
    CHECK(list({"--count", "3"}).size() == 3);
}

TEST_CASE("dead show tells everything, and every attempt") {
    const Journaled journal;
    const std::int64_t now = now_ms();
    NewMessage message = dead(7, "line\n", "killed by SIGSEGV");
    message.id = MessageId::random();
    message.attempts = 2;
    message.unique_key = "photo 1";
    message.expires_ms = now + 2 * hour + hour / 2;
    const std::vector<Attempt> history = {{1, now - 6 * hour + hour / 2, "no answer for 30 s"},
                                          {2, now - 4 * hour + hour / 2, "killed by SIGSEGV \x1b"}};
    message.history = history;
    journal.insert("jobs", message);
    const Outcome outcome = test::myq({"dead", "show", "1"}, {.env = {"TZ=UTC0"}});
    CHECK(outcome.status == 0);
    const auto time = [&](std::int64_t ms, const char* age) {
        std::string text = moment(ms / 1000, now / 1000);
        text.erase(text.find(" ("));
        return text + " (" + age + ")";
    };
    setenv("TZ", "UTC0", 1);
    tzset();
    for (const std::string& line :
         {std::string("number        1\n"), std::string("queue         jobs\n"),
          std::string("type          7 (resize)\n"), std::string("state         dead\n"),
          std::string("reason        killed by SIGSEGV\n"),
          "id            " + message.id.text() + "\n", std::string("unique key    photo 1\n"),
          std::string("accepted      20"), "expires       " + time(*message.expires_ms, "in 2 h"),
          std::string("died          20"), std::string("attempts      2\n"),
          "attempt 1     " + time(now - 6 * hour + hour / 2, "5 h ago") + ": no answer for 30 s\n",
          "attempt 2     " + time(now - 4 * hour + hour / 2, "3 h ago") +
              ": killed by SIGSEGV \\x1b\n",
          std::string("size          5 bytes\n"), std::string("body          line\\n\n")}) {
        CAPTURE(line);
        CAPTURE(outcome.out);
        CHECK(outcome.out.find(line) != std::string::npos);
    }
    check_myq({"dead", "show", "1", "--raw"}, 0, "line\n", "");
    const ordered_json json = ordered_json::parse(test::myq({"dead", "show", "1", "--json"}).out);
    CHECK(json["number"] == 1);
    CHECK(json["id"] == message.id.text());
    CHECK(json["unique"] == "photo 1");
    CHECK(json["expires_ms"] == *message.expires_ms);
    CHECK(json["attempts"] == 2);
    REQUIRE(json["history"].size() == 2);
    CHECK(json["history"][1] == ordered_json{{"number", 2},
                                             {"at_ms", now - 4 * hour + hour / 2},
                                             {"cause", "killed by SIGSEGV \x1b"}});
}

TEST_CASE("dead show tells what is known of the attempt that killed its worker") {
    const Journaled journal;
    NewMessage crashed = dead(7, "x", "crashed");
    crashed.autopsy = "attempt 1: killed\nplugin resize \x1b[31m\n";
    journal.insert("jobs", crashed);
    const std::string shown = test::myq({"dead", "show", "1"}).out;
    CHECK_MESSAGE(shown.find("autopsy       attempt 1: killed\n"
                             "              plugin resize \\x1b[31m\n") != std::string::npos,
                  shown);
    const auto json = ordered_json::parse(test::myq({"dead", "show", "1", "--json"}).out);
    CHECK(json["autopsy"] == "attempt 1: killed\nplugin resize \x1b[31m\n");
}

namespace {

// In a /usr that forgets.
void pretend(const std::string& name, const std::string& script) {
    const std::string program = "/usr/local/sbin/" + name;
    write_file(program, "#!/bin/sh\n" + script);
    std::filesystem::permissions(program, std::filesystem::perms{0755});
}

// A myqd and a gdb that say how they were called.
void pretend_programs() {
    for (const char* program : {"myqd", "gdb"}) {
        pretend(program, "basename \"$0\"\nfor word; do last=$word; done\n"
                         "printf '<%s>' \"$@\"\necho\nid -u\ncat \"$last\"\nexit 65\n");
    }
}

}  // namespace

TEST_CASE("dead replay hands the very message to myqd --try, as its handler would get it") {
    pretend_programs();
    const Journaled journal;
    NewMessage in = dead(7, std::string_view("a\0b", 3), "crashed");
    in.attempts = 5;
    in.id.bytes[15] = std::byte{0x2a};
    journal.insert("jobs", in);
    const Outcome outcome = test::myq({"dead", "replay", "1"});
    CHECK(outcome.status == 65);
    CHECK(outcome.err == "");
    const std::string words = outcome.out.substr(0, outcome.out.find("/proc/"));
    CHECK(words.starts_with("myqd\n<-c><" + journal.file() + "><--try><--plugin><"));
    CHECK_MESSAGE(words.ends_with("/log.so><--type><7><--queue><jobs><--attempt><5>"
                                  "<--id><0000000000000000000000000000002a>"
                                  "<--name><resize><--format><raw><--body><"),
                  words);
    CHECK_MESSAGE(outcome.out.ends_with(">\n950\n" + std::string("a\0b", 3)), outcome.out);
    // Nothing has become of it.
    CHECK(list().size() == 1);
    CHECK(list()[0]["attempts"] == 5);
}

TEST_CASE("dead replay shows a handler's options to nobody else") {
    // Says the names of its words, and what stands in the file of options.
    pretend("myqd",
            "printf '<%s>' \"$@\"\n"
            "while [ \"$1\" != --options ]; do shift; done\necho; stat -Lc '%a %U' $2; cat $2\n");
    const Journaled journal;
    std::string config = read_file(journal.file());
    config +=
        "        options: {token: \"s3cret\\n'\\x7f\u00e9\U0001f511\", command: [a, '-', '']}\n";
    const std::size_t at = config.find("{type: 5, plugin: log}");
    config.replace(at, 22, "type: 5\n        plugin: log");
    write_file(journal.file(), config);
    journal.insert("mails", dead(5, "x", "crashed"));
    const Outcome outcome = test::myq({"dead", "replay", "1"});
    CHECK(outcome.err.empty());
    const std::size_t words = outcome.out.find('\n');
    CHECK_MESSAGE(outcome.out.substr(0, words).find("s3cret") == std::string::npos, outcome.out);
    const std::string mode = "\n600 myq\n";
    REQUIRE_MESSAGE(outcome.out.substr(words).starts_with(mode), outcome.out);
    const TempDir dir;
    const std::string file = dir.path() / "options";
    write_file(file, outcome.out.substr(words + mode.size()));
    const auto options = load_options(file);
    REQUIRE(options.size() == 2);
    CHECK(options[0].name == "token");
    CHECK(options[0].values == std::vector<std::string>{"s3cret\n'\x7f\u00e9\U0001f511"});
    CHECK(options[1].values == std::vector<std::string>{"a", "-", ""});
}

TEST_CASE("dead replay takes another plugin, and a debugger") {
    pretend_programs();
    const Journaled journal;
    journal.insert("mails", dead(6, "x", "crashed"));
    check_myq({"dead", "replay", "1"}, 78, "",
              "myq: 1: the configuration names no handler for type 6 of queue mails: say whose it "
              "is: --plugin FILE\n");
    const Outcome outcome = test::myq({"dead", "replay", "1", "--gdb", "--plugin", "/srv/new.so"});
    CHECK_MESSAGE(outcome.out.starts_with("gdb\n<--args></usr/local/sbin/myqd><-c><" +
                                          journal.file() +
                                          "><--try><--plugin></srv/new.so><--type><6>"
                                          "<--queue><mails><--attempt><1><--no-fork><--body></"),
                  outcome.out);
    check_myq({"dead", "replay", "2"}, 69, "",
              "myq: 2: no message has this number, or it is no more: see which there are: myq dead "
              "list\n");
}

TEST_CASE("dead retry has messages tried again, as many as it says") {
    const Journaled journal;
    fill(journal);
    check_myq({"dead", "retry", "1", "--queue", "jobs"}, 0, "1 message will be tried again\n",
              not_running);
    CHECK(bodies() == "bcd");
    check_myq({"dead", "retry", "--match", "SIGKILL"}, 0, "1 message will be tried again\n",
              not_running);
    check_myq({"dead", "retry", "--all"}, 0, "2 messages will be tried again\n", not_running);
    CHECK(bodies().empty());
    journal.with([](Journal& open) {
        std::uint64_t ready = 0;
        for (const TypeCountsInJournal& one : open.counts(now_ms()))
            ready += one.counts.ready;
        REQUIRE(ready == 5);
    });
}

TEST_CASE("dead retry tells the daemon") {
    const Journaled journal;
    fill(journal);
    const ControlSocket daemon(journal.run_dir());
    ClientProcess client({"dead", "retry", "1"});
    CHECK(daemon.answer("") == "look\n");
    const Outcome outcome = client.wait();
    CHECK(outcome.status == 0);
    CHECK(outcome.out == "1 message will be tried again\n");
    CHECK(outcome.err.empty());
    // With nothing to be tried there is nothing to tell.
    check_myq({"dead", "retry", "--match", "nothing"}, 0, "0 messages will be tried again\n", "");
}

TEST_CASE("A message whose unique key lives again stays dead, with status 75") {
    const Journaled journal;
    NewMessage given_up = dead(1, "a", "why");
    given_up.unique_key = "k";
    journal.insert("jobs", given_up);
    NewMessage alive = message(1, "b");
    alive.unique_key = "k";
    journal.insert("jobs", alive);
    check_myq({"dead", "retry", "--all"}, 75, "0 messages will be tried again\n",
              "myq: 1 message stayed dead: one with the same unique key is waiting or running: try "
              "again when that is done\n");
    CHECK(bodies() == "a");
}

TEST_CASE("dead drop throws away what is dead and nothing else, as much as it says") {
    const Journaled journal;
    fill(journal);
    check_myq({"dead", "drop", "--queue", "jobs", "--type", "resize"}, 0, "2 messages dropped\n",
              "");
    CHECK(bodies() == "bc");
    check_myq({"dead", "drop", "5"}, 69, "0 messages dropped\n",
              "myq: no dead message, or none that is as you say, has this number: see which there "
              "are: myq dead list\n");
    check_myq({"dead", "drop", "2", "77", "78"}, 69, "1 message dropped\n",
              "myq: no dead message, or none that is as you say, has 2 of these 3 numbers: see "
              "which there are: myq dead list\n");
    check_myq({"dead", "drop", "--all"}, 0, "1 message dropped\n", "");
    check_myq({"dead", "list"}, 0, "no message is dead\n", "");
}

TEST_CASE("drop throws away what is put off and nothing else") {
    const Journaled journal;
    fill(journal);
    NewMessage later = message(7, "later");
    later.due_ms = now_ms() + hour;
    journal.insert("mails", later);
    check_myq({"drop", "--queue", "jobs", "--type", "8"}, 0, "0 messages dropped\n", "");
    check_myq({"drop", "--queue", "jobs"}, 0, "1 message dropped\n", "");
    check_myq({"drop", "1"}, 69, "0 messages dropped\n",
              "myq: no message that is put off, or none that is as you say, has this number: see "
              "which there are: myq peek --state delayed\n");
    check_myq(
        {"drop"}, 64, "",
        "myq: drop: which ones? Give numbers from myq peek --state delayed, or what they have "
        "in common (--queue, --type, --since, --match), or --all\n");
    check_myq({"drop", "--all"}, 0, "1 message dropped\n", "");
    CHECK(bodies() == "abcd");
}

TEST_CASE("retry and drop want to know which, and refuse what is no number, time or type") {
    const Journaled journal;
    fill(journal);
    for (const std::string verb : {"retry", "drop"}) {
        check_myq({"dead", verb}, 64, "",
                  "myq: dead " + verb +
                      ": which ones? Give numbers from myq dead list, or what they have in common "
                      "(--queue, --type, --since, --match), or --all\n");
        CHECK(test::myq({"dead", verb, "x"}).status == 64);
        CHECK(test::myq({"dead", verb, "0"}).status == 64);
        check_myq({"dead", verb, "--since", "soon"}, 64, "",
                  "myq: --since: 'soon' is not a duration: write a whole number and ms, s, m, h or "
                  "d, such as 30s\n");
        check_myq({"dead", verb, "--type", "nosuch"}, 64, "",
                  "myq: type 'nosuch': not a number: use 1 to 9223372036854775807\n");
        check_myq({"dead", verb, "--queue", "jobs", "--type", "nosuch"}, 64, "",
                  "myq: jobs: no type is called 'nosuch': it has 1 (note), 7 (resize)\n");
    }
    CHECK(test::myq({"dead"}).err ==
          "myq: dead: A subcommand is required: see 'myq dead --help'\n");
    CHECK(test::myq({"dead", "show"}).err.ends_with(": see 'myq dead show --help'\n"));
    CHECK(bodies() == "abcd");
}

TEST_CASE("Root reads the journal as its owner, and nobody else may") {
    const Journaled journal;
    fill(journal);
    CHECK(bodies() == "abcd");
    for (const auto& file : std::filesystem::directory_iterator(journal.directory())) {
        CAPTURE(file.path().string());
        struct stat status {};
        REQUIRE(stat(file.path().c_str(), &status) == 0);
        CHECK(status.st_uid == Journaled::user);
        CHECK(status.st_gid == Journaled::group);
    }
    const std::string directory = journal.directory();
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"dead", "list"}, {"dead", "drop", "--all"}}) {
        check_myq(args, 77, "",
                  "myq: " + directory +
                      ": the journal is not open to you: run it as root or as user myq\n",
                  {.nobody = true});
    }
    CHECK(bodies() == "abcd");
}

TEST_CASE("Root does not read what others may write in a directory of root's") {
    const Journaled journal;
    REQUIRE(chown(journal.directory().c_str(), 0, 0) == 0);
    REQUIRE(chmod(journal.directory().c_str(), 0777) == 0);
    check_myq({"dead", "list"}, 77, "",
              "myq: " + journal.directory().string() +
                  ": mode 0777 lets others write what root would read: chmod go-w\n");
}

}  // TEST_SUITE("dead")
