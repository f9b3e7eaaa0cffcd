// The plugin http in the real daemon, against a real nginx that comes and goes.
#include "tests/support/daemon_process.hpp"
#include "tests/support/nginx.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <signal.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>

TEST_SUITE("http") {

using namespace myq::test;

TEST_CASE("http: a server that is killed and started again under load gets every message") {
    const TempDir dir;
    Nginx nginx(dir.path());
    nginx.start();
    const DaemonProcess daemon(
        {{"http"},
         fmt::format("receivers: 3\n"
                     "retry: {{attempts: 1000, delay: 20ms, max_delay: 200ms}}\n"
                     "handlers: [{{type: any, plugin: http, timeout: 10s, options: {{\n"
                     "  url: '{}', unix_socket: {}}}}}]\n",
                     nginx.url("/200"), nginx.socket().string()),
         {}});
    REQUIRE(daemon.start().exit_code == 0);
    constexpr int messages = 3000;
    std::atomic<int> sent = 0;
    std::thread sender([&] {
        for (; sent < messages; ++sent)
            daemon.send(1, fmt::format("order {}", sent.load()));
    });
    const auto arrived = [&] {
        std::set<std::string> bodies;
        for (const std::string& line : nginx.requests())
            bodies.insert(nlohmann::json::parse(line)["body"]);
        return bodies.size();
    };
    int refusals = 0;
    for (const int part : {1, 2, 3, 4}) {
        CHECK(eventually([&] { return sent >= messages * part / 5; }));
        nginx.kill();
        CHECK(daemon.logged("failed: localhost: ", ++refusals));
        nginx.start();
    }
    sender.join();
    CHECK_MESSAGE(eventually([&] { return arrived() == messages; }), daemon.myq({"status"}).out);
    CHECK(count(daemon.log(), "is dead") == 0);
}

TEST_CASE(
    "http: what the server refuses is dead with its words, and what it is not ready for waits") {
    const TempDir dir;
    Nginx nginx(dir.path());
    nginx.start();
    const auto handler = [&](int type, const char* path) {
        return fmt::format(
            "  - {{type: {}, plugin: http, options: {{url: '{}', unix_socket: {}}}}}\n", type,
            nginx.url(path), nginx.socket().string());
    };
    const DaemonProcess daemon(
        {{"http"}, "handlers:\n" + handler(1, "/lines") + handler(2, "/503?after=3600"), {}});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "");
    daemon.send(2, "");
    CHECK(daemon.logged(
        "is dead: plugin http rejects it: localhost: status 422: { no: such\\x1b order}"));
    CHECK(daemon.logged("failed: localhost: status 503: told 503; the next is due in 1h"));
    CHECK(daemon.myq({"dead", "list"}).out.find("status 422: { no: such\\x1b order}") !=
          std::string::npos);
    CHECK(daemon.stop().exit_code == 0);
}

TEST_CASE("http: a stop lets what is on its way arrive for a while, and then keeps the message") {
    const TempDir dir;
    Nginx nginx(dir.path());
    nginx.start();
    ::kill(nginx.pid(), SIGSTOP);  // takes connections and says nothing
    const DaemonProcess daemon({{"http"},
                                fmt::format("handlers: [{{type: any, plugin: http, options: {{\n"
                                            "  url: '{}', unix_socket: {}, timeout: 1h}}}}]\n",
                                            nginx.url("/200"), nginx.socket().string()),
                                "stop_timeout: 1m"});
    REQUIRE(daemon.start().exit_code == 0);
    daemon.send(1, "kept");
    CHECK(eventually([&] { return daemon.queue().stat().messages == 0; }));
    CHECK(daemon.stop().exit_code == 0);
    CHECK(daemon.log().find("given up because the worker is to leave") != std::string::npos);
    ::kill(nginx.pid(), SIGCONT);
    nginx.kill();
    nginx.start();
    REQUIRE(daemon.start().exit_code == 0);
    CHECK(eventually([&] {
        const auto requests = nginx.requests();
        return !requests.empty() && requests.back().find("kept") != std::string::npos;
    }));
}

TEST_CASE("http: a wrong option is named with its line before anything starts") {
    struct Row {
        const char* options;
        const char* sentence;
    };
    const Row rows[] = {
        {"{}", "options.url: is missing; plugin http needs it (where bodies are sent to"},
        {"{uri: 'http://a/'}", "options.uri: plugin http has no such option; did you mean 'url'?"},
        {"{url: 'http://a/', timeout: soon}", "options.timeout: 'soon' is not a duration such as"},
        {"{url: 'http://a/', ca_file: ca.pem}", "options.ca_file: 'ca.pem' is not an absolute"},
        {"{url: 'gopher://a/'}",
         "options: plugin http: option 'url' must begin with http:// or https://"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.options));
        const DaemonProcess daemon(
            {{"http"},
             fmt::format("handlers: [{{type: any, plugin: http, options: {}}}]", row.options),
             {}});
        const Run check = daemon.myqd({"-t"});
        CHECK(check.exit_code == 78);
        CHECK_MESSAGE(check.err.find(row.sentence) != std::string::npos, check.err);
        CHECK(check.err.find("myq.yaml:8:") != std::string::npos);
    }
}

}  // TEST_SUITE("http")
