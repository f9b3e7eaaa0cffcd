// http, against a real nginx.
#include "tests/support/nginx.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/plugins/plugin_host.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

TEST_SUITE("http") {

using myq::test::Nginx;
using nlohmann::json;

namespace {

const Answer done{MYQ_DONE, ""};

class Stage {
public:
    Stage() : nginx(dir.path()) { nginx.start(); }

    OptionMap options(const std::string& path, OptionMap more = {}) const {
        more.emplace_back("url", std::vector<std::string>{nginx.url(path)});
        more.emplace_back("unix_socket", std::vector<std::string>{nginx.socket()});
        return more;
    }
    OptionMap tls(OptionMap more) const {
        more.emplace_back("url", std::vector<std::string>{"https://localhost/200"});
        more.emplace_back("unix_socket", std::vector<std::string>{nginx.tls_socket()});
        return more;
    }
    std::string secret(const std::string& text, unsigned mode = 0640) const {
        const auto file = dir.path() / "secret";
        myq::test::write_file(file, text);
        ::chmod(file.c_str(), mode);
        return file;
    }
    json request(std::size_t index) const { return json::parse(nginx.requests().at(index)); }

    myq::test::TempDir dir;
    Nginx nginx;
};

Answer answer(const OptionMap& options, std::string_view body = "body", const Letter& letter = {}) {
    StartedPlugin http("http", options);
    return http.handle(body, letter);
}

}  // namespace

TEST_CASE("http: the server finds the body and what the message is") {
    const Stage stage;
    StartedPlugin http("http", stage.options("/200", {{"content_type", {"application/json"}},
                                                      {"headers", {"X-Extra: more", "X-Empty:"}},
                                                      {"user_agent", {"shop/1.0"}}}));
    CHECK(http.handle("{\"a\": 1}", {.type = 9,
                                     .type_name = "order",
                                     .queue = "shop",
                                     .attempt = 2,
                                     .id = "00112233445566778899aabbccddeeff"}) == done);
    CHECK(http.handle("", {.type = 1, .type_name = ""}) == done);
    const json sent = stage.request(0);
    const json expected = {{"method", "POST"},
                           {"uri", "/200"},
                           {"body", "{\"a\": 1}"},
                           {"content_type", "application/json"},
                           {"agent", "shop/1.0"},
                           {"id", "00112233445566778899aabbccddeeff"},
                           {"queue", "shop"},
                           {"type", "9"},
                           {"type_name", "order"},
                           {"attempt", "2"},
                           {"authorization", ""},
                           {"extra", "more"},
                           {"empty", ""},
                           {"client", ""},
                           {"connection", sent["connection"]},
                           {"host", "localhost"}};
    CHECK(sent == expected);
    const json bare = stage.request(1);
    CHECK(bare["body"] == "");
    CHECK(bare["id"] == "");
    CHECK(bare["type_name"] == "");
    CHECK_MESSAGE(bare["connection"] == sent["connection"], "the connection is kept");
}

TEST_CASE("http: any bytes arrive, also over TCP, and with PUT") {
    const Stage stage;
    std::string bytes(200'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>('A' + i % 26);
    CHECK(answer({{"url", {stage.nginx.tcp_url("/201")}}, {"method", {"PUT"}}}, bytes) == done);
    const json sent = stage.request(0);
    CHECK(sent["method"] == "PUT");
    CHECK(sent["body"] == bytes);
    CHECK(sent["content_type"] == "application/octet-stream");
    CHECK(sent["agent"] == "myq");
}

TEST_CASE("http: the status says what became of the message") {
    const Stage stage;
    for (const int status : {200, 201, 202})
        CHECK(answer(stage.options("/" + std::to_string(status))) == done);
    for (const int status : {408, 425, 429, 500, 501, 502, 503, 504}) {
        const std::string code = std::to_string(status);
        CHECK(answer(stage.options("/" + code)) ==
              Answer{MYQ_RETRY, "localhost: status " + code + ": told " + code});
    }
    for (const int status : {400, 401, 403, 404, 405, 409, 410, 413, 422}) {
        const std::string code = std::to_string(status);
        CHECK(answer(stage.options("/" + code)) ==
              Answer{MYQ_REJECT, "localhost: status " + code + ": told " + code});
    }
    for (const int status : {301, 302, 307, 308}) {
        const Answer away = answer(stage.options("/" + std::to_string(status)));
        CHECK(away.verdict == MYQ_REJECT);
        CHECK(away.reason.starts_with("localhost: status " + std::to_string(status)));
    }
}

TEST_CASE("http: the reason is one line, and the daemon escapes what is not printable in it") {
    const Stage stage;
    CHECK(answer(stage.options("/lines")) ==
          Answer{MYQ_REJECT, "localhost: status 422: { no: such\x1b order}"});
}

TEST_CASE("http: Retry-After is obeyed, but not beyond a day") {
    const Stage stage;
    const auto delay = [&](const std::string& path) {
        StartedPlugin http("http", stage.options(path));
        http.handle("");
        return http.last_delay_ms();
    };
    CHECK(delay("/503") == 0);
    CHECK(delay("/503?after=7") == 7'000);
    CHECK(delay("/429?after=120") == 120'000);
    CHECK(delay("/503?after=99999999") == 86'400'000);
    CHECK(delay("/503?after=nonsense") == 0);
    CHECK(delay("/404?after=7") == 0);
}

TEST_CASE(
    "http: without an answer the message is tried again, and the next connection is a new one") {
    Stage stage;
    StartedPlugin http("http", stage.options("/200"));
    CHECK(http.handle("one") == done);
    stage.nginx.kill();
    const Answer refused = http.handle("two");
    CHECK(refused.verdict == MYQ_RETRY);
    CHECK(refused.reason.starts_with("localhost: "));
    stage.nginx.start();
    CHECK(http.handle("two") == done);
    const Answer cut = answer(stage.options("/cut"));
    CHECK(cut == Answer{MYQ_RETRY, "localhost: Empty reply from server"});
    const Answer unknown = answer({{"url", {"http://no-such-host.invalid/"}}});
    CHECK(unknown.verdict == MYQ_RETRY);
    CHECK(unknown.reason.find("no-such-host.invalid: ") == 0);
}

TEST_CASE("http: a server that never answers is given up before the message's timeout") {
    Stage stage;
    kill(stage.nginx.pid(), SIGSTOP);  // the kernel still takes connections for it
    const auto begun = std::chrono::steady_clock::now();
    StartedPlugin http("http", stage.options("/200", {{"timeout", {"1h"}}}));
    const Answer late = http.handle("", {.timeout_ms = 400});
    CHECK(late.verdict == MYQ_RETRY);
    // curl rounds down now and then.
    const bool is_in_time = late.reason.find("timed out after 36") != std::string::npos ||
                            late.reason.find("timed out after 359 ") != std::string::npos;
    CHECK_MESSAGE(is_in_time, late.reason);
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds{359});
    const Answer own = answer(stage.options("/200", {{"timeout", {"50ms"}}}));
    const bool is_own = own.reason.find("timed out after 5") != std::string::npos ||
                        own.reason.find("timed out after 49 ") != std::string::npos;
    CHECK_MESSAGE(is_own, own.reason);
    kill(stage.nginx.pid(), SIGCONT);
}

TEST_CASE("http: of an answer that does not end no more is read than is good for us") {
    const Stage stage;
    CHECK(answer(stage.options("/huge")) == done);
}

TEST_CASE("http: a password and a token come from their files, and are in no reason") {
    const Stage stage;
    const std::string file = stage.secret("open sesame\n");
    StartedPlugin basic("http",
                        stage.options("/echo", {{"username", {"ali"}}, {"password_file", {file}}}));
    CHECK(basic.handle("") == Answer{MYQ_RETRY, "localhost: status 500: you said Basic ***"});
    CHECK(stage.request(0)["authorization"] == "Basic YWxpOm9wZW4gc2VzYW1l");

    StartedPlugin bearer("http", stage.options("/echo", {{"bearer_file", {file}}}));
    stage.secret("token-1");
    CHECK(bearer.handle("") == Answer{MYQ_RETRY, "localhost: status 500: you said Bearer ***"});
    stage.secret("token-2\n");  // counts at once
    bearer.handle("");
    CHECK(stage.request(1)["authorization"] == "Bearer token-1");
    CHECK(stage.request(2)["authorization"] == "Bearer token-2");
    std::filesystem::remove(file);
    CHECK(bearer.handle("") ==
          Answer{MYQ_RETRY, file + ": cannot be read: No such file or directory"});
    CHECK(stage.nginx.requests().size() == 3);
    CHECK(take_log().empty());
}

TEST_CASE("http: redirections are followed as far as is said, with the body") {
    const Stage stage;
    const std::string file = stage.secret("token");
    const auto follow = [&](const std::string& path) {
        return answer(stage.options(path, {{"redirects", {"3"}},
                                           {"bearer_file", {file}},
                                           {"headers", {"X-Extra: key"}}}),
                      "b");
    };
    CHECK(follow("/away") == done);
    CHECK(stage.request(0)["extra"] == "key");
    CHECK(stage.request(0)["body"] == "b");
    CHECK(stage.request(0)["method"] == "POST");
    CHECK(stage.request(0)["authorization"] == "Bearer token");
    CHECK(follow("/other") == done);
    CHECK_MESSAGE(stage.request(1)["authorization"] == "", "not to another host");
    CHECK_MESSAGE(stage.request(1)["extra"] == "", "a header may hold a key as well");
    CHECK(stage.request(1)["body"] == "b");
    CHECK(follow("/round").verdict == MYQ_REJECT);
    const Answer elsewhere = follow("/file");
    CHECK(elsewhere.verdict == MYQ_RETRY);
    CHECK_MESSAGE(elsewhere.reason.find("\"file\" not supported or disabled") != std::string::npos,
                  elsewhere.reason);
    CHECK(stage.nginx.requests().size() == 2);
    CHECK(follow("/found") == done);
    CHECK_MESSAGE(stage.request(2)["method"] == "POST", "where browsers would make a GET of it");
    CHECK(stage.request(2)["body"] == "b");
}

TEST_CASE("http: a certificate is always checked, and ours is shown when it is asked for") {
    const Stage stage;
    const Answer stranger = answer(stage.tls({}));
    CHECK(stranger.verdict == MYQ_RETRY);
    CHECK_MESSAGE(stranger.reason.find("certificate") != std::string::npos, stranger.reason);
    const std::string ca = stage.nginx.ca_file();
    CHECK(answer(stage.tls({{"ca_file", {ca}}})) == done);
    CHECK(stage.request(0)["client"] == "");
    CHECK(answer(stage.tls({{"ca_file", {ca}},
                            {"client_certificate", {stage.nginx.client_certificate()}},
                            {"client_key", {stage.nginx.client_key()}}})) == done);
    CHECK(stage.request(1)["client"] == "CN=client");
    const Answer downgraded = answer({{"url", {"https://localhost/other"}},
                                      {"unix_socket", {stage.nginx.tls_socket()}},
                                      {"ca_file", {ca}},
                                      {"redirects", {"3"}}});
    CHECK(downgraded.verdict == MYQ_RETRY);
    CHECK_MESSAGE(downgraded.reason.find("\"http\" not supported or disabled") != std::string::npos,
                  downgraded.reason);
    const Answer misnamed = answer({{"url", {"https://elsewhere/200"}},
                                    {"unix_socket", {stage.nginx.tls_socket()}},
                                    {"ca_file", {ca}}});
    CHECK(misnamed.verdict == MYQ_RETRY);
    CHECK_MESSAGE(misnamed.reason.find("elsewhere") == 0, misnamed.reason);
    CHECK(stage.nginx.requests().size() == 2);
}

TEST_CASE("http: options that cannot work are refused with the reason") {
    const TempDir dir;
    const std::string open = dir / "open";
    const std::string empty = dir / "empty";
    const std::string two = dir / "two";
    std::ofstream(open) << "secret";
    std::ofstream(empty) << "\n";
    std::ofstream(two) << "a\nb\n";
    ::chmod(open.c_str(), 0644);
    ::chmod(empty.c_str(), 0600);
    ::chmod(two.c_str(), 0600);
    const auto with = [](OptionMap options) {
        options.emplace_back("url", std::vector<std::string>{"https://example.org/x"});
        return refusal("http", options);
    };
    const auto url = [](const std::string& text) { return refusal("http", {{"url", {text}}}); };
    CHECK(with({}) == "");
    CHECK(with({{"headers", {"A: b", "X-Y:"}}, {"redirects", {"20"}}, {"timeout", {"24h"}}}) == "");

    CHECK(url("example.org/x").starts_with("option 'url' is no URL: "));
    CHECK(url("ftp://example.org/") == "option 'url' must begin with http:// or https://");
    CHECK(url("http://u:p@example.org/") ==
          "option 'url' has a user or password in it; write username and password_file");
    CHECK(url("http://example.org/#x").find("has a fragment") != std::string::npos);
    CHECK(url("http://example.org/\nx").starts_with("option 'url' is no URL: "));
    CHECK(with({{"method", {"GET"}}}) == "option 'method' must be POST or PUT");
    CHECK(with({{"content_type", {"a\r\nB: c"}}}) ==
          "option 'content_type' has a control character in it");
    CHECK(with({{"user_agent", {""}}}) == "option 'user_agent' is empty");
    CHECK(with({{"headers", {"A: b\r\nC: d"}}}) ==
          "option 'headers' has a control character in it");
    CHECK(with({{"headers", {"nothing"}}}) ==
          "option 'headers' has a line that is not 'Name: value'");
    CHECK(with({{"headers", {"A b: c"}}}) ==
          "option 'headers' has a line that is not 'Name: value'");
    CHECK(with({{"headers", {"Authorization: Bearer x"}}}) ==
          "option 'headers' has authorization; write bearer_file, or username and password_file");
    CHECK(with({{"headers", {"Content-Length: 3"}}}) ==
          "option 'headers' has content-length, which is set by the plugin");
    CHECK(with({{"headers", {"X-Myq-Type: 3"}}}).find("set by the plugin") != std::string::npos);
    CHECK(with({{"timeout", {"0s"}}}) == "option 'timeout' must be 1ms to 24h");
    CHECK(with({{"connect_timeout", {"25h"}}}) == "option 'connect_timeout' must be 1ms to 24h");
    CHECK(with({{"redirects", {"21"}}}) == "option 'redirects' must be 0 to 20");
    CHECK(with({{"ca_file", {"/nothing/here"}}}) ==
          "option 'ca_file' is /nothing/here, which cannot be read: No such file or directory");
    CHECK(with({{"ca_file", {"/usr"}}}) == "option 'ca_file' is /usr, which is no file");
    CHECK(with({{"client_key", {open}}}) ==
          "option 'client_certificate' and 'client_key' need each other");
    CHECK(refusal("http", {{"url", {"http://example.org"}}, {"ca_file", {open}}}) ==
          "option 'url' is not https, but there are options for TLS");
    CHECK(with({{"username", {"u"}}}) == "option 'username' and 'password_file' need each other");
    CHECK(with({{"bearer_file", {open}}}) ==
          "option 'bearer_file' is " + open +
              ": is open to everybody on this machine; chmod o= " + open);
    CHECK(with({{"bearer_file", {empty}}}) == "option 'bearer_file' is " + empty + ": is empty");
    CHECK(with({{"bearer_file", {two}}}) ==
          "option 'bearer_file' is " + two + ": must hold one line, without control characters");
    ::chmod(open.c_str(), 0640);
    CHECK(with({{"bearer_file", {open}}}) == "");
    CHECK(with({{"username", {"u:v"}}, {"password_file", {open}}}) ==
          "option 'username' has a colon in it");
    CHECK(with({{"username", {"u"}}, {"password_file", {open}}, {"bearer_file", {open}}}) ==
          "option 'bearer_file' and 'username' exclude each other");
}

}  // TEST_SUITE("http")
