// http: sends every body to a URL.
//
//     handlers:
//       - type: 8
//         name: order
//         plugin: http
//         timeout: 20s
//         retry: {attempts: 30, delay: 5s, max_delay: 1h}
//         options:
//           url: https://erp.example.org/orders
//           content_type: application/json
//           headers: ["Accept: application/json"]
//           bearer_file: /etc/myq/erp.token
//
// Options
//   url                  http:// or https://; without a user or password in it.
//   method               POST, the default, or PUT.
//   content_type         default application/octet-stream.
//   headers              more lines, "Name: value".
//   user_agent           default myq.
//   connect_timeout      for the connection and its TLS, default 10s.
//   timeout              for the whole exchange, default 30s. When the handler's own timeout is
//                        shorter, nine tenths of that (of a long one: all but the last second).
//   username             for Basic authentication, with
//   password_file        the file whose one line is the password; or
//   bearer_file          the file whose one line is a token. Both are read for every request, and
//                        must not be open to everybody.
//   ca_file              the authorities to trust (PEM) in place of the machine's. There is no way
//                        to trust nobody's word: a certificate is always checked.
//   client_certificate   what to show to the server (PEM), with
//   client_key           its key (PEM, not encrypted).
//   redirects            how many to follow, 0 to 20; default 0. The body goes along; `headers`,
//                        the password or token only to the same scheme, host and port; and from
//                        https never to http.
//   unix_socket          connect here instead of to the URL's host.
//
// The server finds, beside the body
//   Idempotency-Key      the message's id, the same at every attempt; absent for one without
//   X-Myq-Queue, X-Myq-Type, X-Myq-Type-Name (absent for none), X-Myq-Attempt
//
// and answers with its status
//   2xx                  done
//   5xx, 408, 425, 429   retry; a Retry-After of up to a day is obeyed
//   no answer            retry: refused, cut off, too slow, a certificate that is not right
//   any other            reject, a redirection that is not followed too
//
// The reason has the beginning of the answer's body, without passwords and tokens. Each worker
// keeps its connection. An exchange that was cut off may have worked: that is what
// Idempotency-Key is for. A worker that is asked to leave gives its exchange five seconds more.
#include "plugins/base64.hpp"
#include "plugins/http/secret.hpp"
#include "plugins/http/settings.hpp"
#include "plugins/http/transfer.hpp"
#include "plugins/last_words.hpp"
#include "plugins/one_line.hpp"
#include "plugins/time_to_answer.hpp"

#include <myq/handler.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::chrono::hours longest_retry_after{24};
constexpr std::size_t longest_quote = 150;  // of the 255 bytes of a reason

// A server may well answer with what it was sent.
void hide(std::string& text, const std::string& secret) {
    if (secret.empty()) return;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
        text.replace(at, secret.size(), "***");
}

class Http : public myq::Handler {
public:
    explicit Http(const myq::Start& start)
        : Handler(start),
          settings_(start.options),
          transfer_(settings_, [this] { return last_words_.are_over(should_stop()); }) {}

    myq::Outcome handle(const myq::Message& message) override {
        HttpRequest request{.body = message.text(),
                            .headers = headers(message),
                            .password = {},
                            .bearer = {},
                            .timeout = time_to_answer(message, settings_.timeout)};
        last_words_ = {};
        try {
            if (!settings_.password_file.empty())
                request.password = read_secret(settings_.password_file);
            if (!settings_.bearer_file.empty()) request.bearer = read_secret(settings_.bearer_file);
            return outcome(transfer_.send(request), request);
        } catch (const std::exception& e) {
            return myq::retry(e.what());
        }
    }

private:
    static std::vector<std::string> headers(const myq::Message& message) {
        std::vector<std::string> lines{"X-Myq-Queue: " + std::string(message.queue()),
                                       "X-Myq-Type: " + std::to_string(message.type()),
                                       "X-Myq-Attempt: " + std::to_string(message.attempt())};
        if (!message.type_name().empty())
            lines.push_back("X-Myq-Type-Name: " + std::string(message.type_name()));
        if (!message.id().empty()) lines.push_back("Idempotency-Key: " + std::string(message.id()));
        return lines;
    }

    myq::Outcome outcome(HttpReply reply, const HttpRequest& request) const {
        if (reply.status == 0) return myq::retry(settings_.host + ": " + reply.problem);
        if (reply.status >= 200 && reply.status < 300) return myq::done();
        hide(reply.head, request.bearer);
        hide(reply.head, request.password);
        if (!settings_.username.empty())
            hide(reply.head, base64(settings_.username + ":" + request.password));
        std::string reason = settings_.host + ": status " + std::to_string(reply.status);
        const std::string quote = one_line(reply.head).substr(0, longest_quote);
        if (!quote.empty()) reason += ": " + quote;

        const bool later = reply.status >= 500 || reply.status == 408 || reply.status == 425 ||
                           reply.status == 429;
        if (!later) return myq::reject(reason);
        return myq::retry(
            reason, std::min<std::chrono::milliseconds>(reply.retry_after, longest_retry_after));
    }

    HttpSettings settings_;
    LastWords last_words_;
    HttpTransfer transfer_;
};

myq::OptionSpec option(const char* name, myq_option_kind kind, const char* help,
                       const char* otherwise = "") {
    return {.name = name, .kind = kind, .default_value = otherwise, .help = help};
}

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Http>({
        .name = "http",
        .version = "1.0",
        .options = {{.name = "url",
                     .kind = MYQ_OPTION_TEXT,
                     .required = true,
                     .help = "where bodies are sent to, http:// or https://"},
                    option("method", MYQ_OPTION_TEXT, "POST or PUT", "POST"),
                    option("content_type", MYQ_OPTION_TEXT, "what the bodies are",
                           "application/octet-stream"),
                    option("headers", MYQ_OPTION_LIST, "more header lines, 'Name: value'"),
                    option("user_agent", MYQ_OPTION_TEXT, "who we say we are", "myq"),
                    option("connect_timeout", MYQ_OPTION_DURATION, "for the connection and its TLS",
                           "10s"),
                    option("timeout", MYQ_OPTION_DURATION, "for the whole exchange", "30s"),
                    option("username", MYQ_OPTION_TEXT, "for Basic authentication"),
                    option("password_file", MYQ_OPTION_PATH, "the file with the password"),
                    option("bearer_file", MYQ_OPTION_PATH, "the file with a bearer token"),
                    option("ca_file", MYQ_OPTION_PATH,
                           "authorities to trust in place of the machine's"),
                    option("client_certificate", MYQ_OPTION_PATH, "what to show to the server"),
                    option("client_key", MYQ_OPTION_PATH, "the key of the client certificate"),
                    option("redirects", MYQ_OPTION_INTEGER, "how many to follow, 0 to 20", "0"),
                    option("unix_socket", MYQ_OPTION_PATH, "connect here, not to the URL's host")},
        .check = [](const myq::Options& options) { const HttpSettings ignored{options}; },
    });
}
