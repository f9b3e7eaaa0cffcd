#include "client/status_text.hpp"
#include "tests/unit/client/status_json.hpp"

#include <doctest/doctest.h>

#include <time.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

TEST_SUITE("status_text") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::int64_t now = 1714557600000 + 3 * 3'600'000;

DaemonStatus status() {
    setenv("TZ", "UTC0", 1);
    tzset();
    return parse_daemon_status(status_answer);
}

std::string changed(const std::string& from, const std::string& to) {
    std::string json = status_answer;
    const std::size_t at = json.find(from);
    REQUIRE(at != std::string::npos);
    return json.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("The daemon's answer is read member for member") {
    const DaemonStatus read = status();
    CHECK(read.version == "0.1.0");
    CHECK(read.state == "running");
    CHECK(read.pid == 4711);
    CHECK(read.started_ms == 1714557600000);
    CHECK(read.journal == "/var/lib/myq/journal.db");
    CHECK(read.journal_error.empty());
    REQUIRE(read.workers.size() == 3);
    CHECK(read.workers[0].type == 7);
    CHECK(read.workers[0].attempt == 2);
    CHECK(read.workers[0].messages == 17);
    CHECK_FALSE(read.workers[1].type);
    REQUIRE(read.queues.size() == 2);
    CHECK(read.queues[0].kernel->capacity == 16384);
    CHECK_FALSE(read.queues[1].kernel);
    REQUIRE(read.queues[0].types.size() == 3);
    CHECK(read.queues[0].types[0].waiting() == 29);
    CHECK_FALSE(read.queues[0].types[2].type);
}

TEST_CASE("For people there is one accounting a queue, its types, and who works") {
    CHECK(to_text(status(), "", now) ==
          "myqd 0.1.0 is running, pid 4711, since 2024-05-01 10:00:00 +0000 (3 h ago)\n"
          "\n"
          "jobs (0x6d797101, durability memory, 640 of 16384 bytes)\n"
          "  sent 1047 = handled 1001 + dead 3 + expired 1 + dropped 2 + waiting 40 (10 in the "
          "kernel queue, 2 in slots, 8 ready, 15 delayed, 5 running)\n"
          "  TYPE        HANDLED  RETRIED  DEAD  EXPIRED  DROPPED  WAITING\n"
          "  resize (7)      900       12     3        1        2       29\n"
          "  9                 1        0     0        0        0        0\n"
          "  others          100        0     0        0        0        1\n"
          "\n"
          "mails (0x6d797102, durability journal, the kernel queue is not there)\n"
          "  sent 0 = handled 0 + dead 0 + expired 0 + dropped 0 + waiting 0\n"
          "\n"
          "workers\n"
          "   PID  QUEUE  ROLE      SLOT     STATE  TYPE  ATTEMPT  MESSAGES\n"
          "  4712  jobs   receiver  jobs.0   busy      7        2        17\n"
          "  4713  jobs   journal   jobs.1   idle      -        -         3\n"
          "  4714  mails  intake    mails.0  idle      -        -         0\n");
}

TEST_CASE("It can be about one queue, and says what is wrong with the journal") {
    const std::string text = to_text(status(), "mails", now);
    CHECK(text.find("jobs") == std::string::npos);
    CHECK(text.find("mails (0x6d797102") != std::string::npos);
    CHECK(text.find("4714") != std::string::npos);
    const std::string failed = changed("\"error\":\"\"", "\"error\":\"disk \\u001b full\"");
    CHECK(to_text(parse_daemon_status(failed), "", now)
              .find("\njournal /var/lib/myq/journal.db: disk \\x1b full\n") != std::string::npos);
    const std::string refused = changed("\"refused\":0", "\"refused\":4");
    CHECK(to_text(parse_daemon_status(refused), "", now)
              .find("\n  refused 4: not taken, see the log of myqd\n") != std::string::npos);
}

TEST_CASE("An answer that is none is refused with the reason") {
    for (const std::string& text :
         {std::string(), std::string("running\n"), std::string("[]"), std::string("{}"),
          std::string(status_answer).substr(0, 500), std::string(status_answer) + "}",
          changed("\"pid\":4711", "\"pid\":\"4711\""), changed("\"pid\":4711", "\"pid\":4711.5"),
          changed("\"pid\":4711", "\"pid\":4294972007"), changed("\"workers\":[", "\"werkers\":["),
          changed("\"handled\":900", "\"handled\":-1"),
          changed("\"handled\":900", "\"handled\":1.5"), changed("\"messages\":10,", ""),
          changed("\"types\":[]", "\"types\":{}"), changed("\"types\":[]", "\"types\":null"),
          changed("\"ready\":8", "\"ready\":true")}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_daemon_status(text), std::invalid_argument);
    }
    CHECK_THROWS_WITH(parse_daemon_status(changed("\"handled\":900", "\"handled\":-1")),
                      "'handled' is no count");
}

}  // TEST_SUITE("status_text")
