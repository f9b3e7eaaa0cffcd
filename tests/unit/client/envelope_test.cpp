// send with options that need an envelope, and what peek makes of it.
#include "client/moment.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/client/intake.hpp"
#include "tests/unit/client/shown.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <sys/syscall.h>

#include <string>
#include <vector>

TEST_SUITE("envelope") {

using namespace myq;
using namespace myq::test;
using nlohmann::ordered_json;

namespace {

constexpr std::int64_t minute = 60'000;

struct Target {
    std::vector<std::string> args(std::initializer_list<std::string> more) const {
        std::vector<std::string> all = {"send", "--id", std::to_string(queue.id()), "--type", "1"};
        all.insert(all.end(), more);
        return all;
    }

    std::string name() const { return "queue with id " + std::to_string(queue.id()); }

    ScratchQueue queue;
    Intake intake{queue};
};

// Whether a time is `ahead` of now, as it was while the command ran.
struct Clock {
    bool tells(std::int64_t time_ms, std::int64_t ahead) const {
        return time_ms >= before + ahead && time_ms <= now_ms() + ahead;
    }

    std::int64_t before = now_ms();
};

}  // namespace

TEST_CASE("--delay, --at and --ttl are times in the envelope, beside an id of its own") {
    const Target target;
    const Clock clock;
    check_myq(target.args({"--delay", "10m", "a"}), 0, "", "");
    check_myq(target.args({"--at", "2035-01-01 12:00", "b"}), 0, "", "", {.env = {"TZ=UTC0"}});
    check_myq(target.args({"--at", "@2051265600", "--ttl", "5000d", "c"}), 0, "", "");
    check_myq(target.args({"--ttl", "1h", "--delay", "1m", "--", "-d"}), 0, "", "");

    const Asked delayed = target.intake.take();
    CHECK(delayed.body == "a");
    CHECK(delayed.id.is_set());
    CHECK(clock.tells(delayed.due_ms.value_or(0), 10 * minute));
    CHECK_FALSE(delayed.delay_ms);
    CHECK_FALSE(delayed.expires_ms);
    CHECK_FALSE(delayed.confirm);
    CHECK(delayed.unique.empty());

    const Asked at = target.intake.take();
    CHECK(at.body == "b");
    CHECK(at.due_ms == 2051265600000);
    CHECK(at.id.is_set());
    CHECK_FALSE(at.id == delayed.id);

    const Asked since_epoch = target.intake.take();
    CHECK(since_epoch.due_ms == 2051265600000);
    CHECK(clock.tells(since_epoch.expires_ms.value_or(0), 5000LL * 24 * 60 * minute));

    const Asked both = target.intake.take();
    CHECK(both.body == "-d");
    CHECK(clock.tells(both.due_ms.value_or(0), minute));
    CHECK(clock.tells(both.expires_ms.value_or(0), 60 * minute));
}

TEST_CASE("Without any of these options the body is all that is sent") {
    const Target target;
    check_myq(target.args({"plain", "--json"}), 0, "{\"id\":null,\"status\":\"sent\"}\n", "");
    CHECK(text(target.queue.receive(100, Selector::any(), Wait::no)->body) == "plain");
}

TEST_CASE("--json prints the id, for every line with its number") {
    const Target target;
    const Outcome one = test::myq(target.args({"--ttl", "1h", "a", "--json"}));
    CHECK(one.out == "{\"id\":\"" + target.intake.take().id.text() + "\",\"status\":\"sent\"}\n");
    const Outcome two =
        test::myq(target.args({"--ttl", "1h", "--lines", "--json"}), {.input = "a\nb\n"});
    const std::vector<Asked> asked = target.intake.take(2);
    CHECK(two.out == "{\"line\":1,\"id\":\"" + asked[0].id.text() +
                         "\",\"status\":\"sent\"}\n{\"line\":2,\"id\":\"" + asked[1].id.text() +
                         "\",\"status\":\"sent\"}\n");
}

TEST_CASE("Times count from each line, not from the first") {
    const Target target;
    ClientProcess sender(target.args({"--lines", "--delay", "1m"}), {.pipe_input = true});
    sender.feed("one\n");
    const Asked first = target.intake.take();
    const Clock clock;
    sender.feed("two\n");
    CHECK(clock.tells(target.intake.take().due_ms.value_or(0), minute));
    CHECK(first.due_ms <= clock.before + minute);
    sender.end_input();
    CHECK(sender.wait().status == 0);
}

TEST_CASE("What cannot be wished is a usage error, and nothing is sent") {
    const Target target;
    struct Row {
        std::vector<std::string> args;
        std::string err;
    };
    const std::string see = ": see 'myq send --help'";
    for (const Row& row :
         {Row{{"--at", "9:30"},
              "--at: '9:30' is no time: write HH:MM, 'YYYY-MM-DD HH:MM', 'YYYY-MM-DD HH:MM:SS' or "
              "@SECONDS since 1970"},
          Row{{"--at", "25:00"}, "--at: '25:00' is no time of day: 00:00 to 23:59 are"},
          Row{{"--at", "12:00", "--delay", "1m"}, "send: --delay excludes --at" + see},
          Row{{"--delay", "10"},
              "send: --delay: '10' has no unit: write ms, s, m, h or d behind it, such as 30s" +
                  see},
          Row{{"--delay", "40000d"}, "--delay 40000d: longer than a hundred years: use less"},
          Row{{"--ttl", "100000000000000d"},
              "send: --ttl: '100000000000000d' is too long a time" + see},
          Row{{"--ttl", "40000d"}, "--ttl 40000d: longer than a hundred years: use less"},
          Row{{"--ttl", "0s"},
              "--ttl 0s: the message would be worthless before it is due: give it longer"},
          Row{{"--ttl", "1m", "--delay", "1m"},
              "--ttl 1m: the message would be worthless before it is due: give it longer"},
          Row{{"--unique", ""}, "--unique: a key of 0 bytes: use 1 to 255"},
          Row{{"--unique", std::string(256, 'k')}, "--unique: a key of 256 bytes: use 1 to 255"},
          Row{{"--window", "5", "--confirm"}, "send: --window requires --lines" + see},
          Row{{"--window", "5", "--lines"}, "send: --window requires --confirm" + see}}) {
        CAPTURE(row.err);
        std::vector<std::string> args = target.args({"body"});
        args.insert(args.end(), row.args.begin(), row.args.end());
        check_myq(args, 64, "", "myq: " + row.err + "\n");
    }
    check_myq(target.args({"--lines", "--unique", "k"}), 64, "",
              "myq: --unique: with --lines every line would have the same key: send them one by "
              "one\n");
    for (const char* window : {"0", "65537", "x"}) {
        CHECK(test::myq(target.args({"--lines", "--confirm", "--window", window})).status == 64);
    }
    CHECK(target.queue.stat().messages == 0);
    CHECK(queues() == 1);
}

TEST_CASE("The envelope takes its share of the largest body") {
    const Target target;
    const std::size_t limit = largest_body() - 52;  // its head, and one time
    const std::string too_long = "myq: the body: longer than " + std::to_string(limit) +
                                 " bytes, which is kernel.msgmax less the 52 of its envelope: send "
                                 "less at once, or raise it: sysctl -w kernel.msgmax=N, or if a "
                                 "myqd reads this queue, use --blob\n";
    check_myq(target.args({"--ttl", "1h", std::string(limit, 'x')}), 0, "", "");
    CHECK(target.intake.take().body.size() == limit);
    check_myq(target.args({"--ttl", "1h", std::string(limit + 1, 'x')}), 65, "", too_long);
    const Outcome line = test::myq(target.args({"--ttl", "1h", "--lines"}),
                                   {.input = "a\n" + std::string(limit + 1, 'x') + "\n"});
    CHECK(line.status == 65);
    CHECK(line.err.starts_with("myq: standard input, line 2: longer than " + std::to_string(limit) +
                               " bytes, which is"));
    CHECK(line.err.ends_with("(1 message sent)\n"));
    CHECK(target.intake.take().body == "a");
    CHECK(target.queue.stat().messages == 0);
}

TEST_CASE("peek marks envelopes, shows what is in them, and keeps the sender's secret") {
    const Target target;
    const std::string id = std::to_string(target.queue.id());
    check_myq(target.args({"--delay", "10m", "--ttl", "3d", "late"}), 0, "", "");
    ClientProcess sender(target.args({"--unique", "k\n", "one"}));
    REQUIRE(blocks_in(sender.pid(), SYS_msgrcv));
    const Outcome table = test::myq({"peek", "--id", id});
    CHECK(shown(table.out) == "INDEX TYPE SIZE BODY\n"
                              " 0 1 68 [envelope, due in N, expires in N] late\n"
                              " 1 1 73 [envelope, unique k\\n, to confirm] one\n");
    const std::string lines = test::myq({"peek", "--id", id, "--json"}).out;
    const ordered_json first = ordered_json::parse(lines.substr(0, lines.find('\n')));
    const ordered_json second = ordered_json::parse(lines.substr(lines.find('\n') + 1));
    const Asked delayed = target.intake.take();
    CHECK(first == ordered_json{{"index", 0},
                                {"type", 1},
                                {"size", 68},
                                {"body", "late"},
                                {"envelope",
                                 {{"kind", "message"},
                                  {"id", delayed.id.text()},
                                  {"due_ms", *delayed.due_ms},
                                  {"expires_ms", *delayed.expires_ms}}}});
    const Asked asked = target.intake.take();
    CHECK(second["envelope"] ==
          ordered_json{
              {"kind", "message"}, {"id", asked.id.text()}, {"unique", "k\n"}, {"confirm", true}});
    CHECK(lines.find(std::to_string(asked.confirm->token)) == std::string::npos);
    Intake::answer(asked);
    CHECK(sender.wait().status == 0);
}

TEST_CASE("peek says what is wrong with an envelope") {
    const ScratchQueue queue;
    std::vector<std::byte> broken = encode_envelope({});
    broken.back() ^= std::byte{1};
    REQUIRE(queue.send(1, broken) == SendStatus::sent);
    const std::string id = std::to_string(queue.id());
    CHECK(test::myq({"peek", "--id", id})
              .out.find("40  [broken envelope: its checksum is wrong] \\x89myq\\r\\n\\x1a\\n") !=
          std::string::npos);
    const ordered_json json = ordered_json::parse(test::myq({"peek", "--id", id, "--json"}).out);
    CHECK(json["size"] == 40);
    CHECK(json["envelope"] == ordered_json{{"error", "its checksum is wrong"}});
    CHECK(json["body_base64"].get<std::string>().starts_with("iW15cQ0KGgo"));
}

}  // TEST_SUITE("envelope")
