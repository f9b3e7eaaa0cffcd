#pragma once

#include "plugins/http/settings.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// libcurl, and the only place that knows it.

struct UrlParts {
    std::string scheme, host;  // "https", "example.org:8443"
    std::string problem;       // why it is no URL to send to; "" when it is
};

// Says nothing of what is in the URL: a query may hold a secret.
UrlParts parse_url(const std::string& url);

struct HttpRequest {
    std::string_view body;
    std::vector<std::string> headers;  // beside those of the settings
    std::string password, bearer;
    std::chrono::milliseconds timeout;
};

struct HttpReply {
    long status = 0;  // 0: there was no answer, and `problem` says why
    std::string problem;
    std::string head;                     // the first bytes of the answer's body
    std::chrono::seconds retry_after{0};  // 0: nothing was said
};

// One connection, made when it is needed and kept for the next request.
class HttpTransfer {
public:
    static constexpr std::size_t longest_head = 512;          // bytes
    static constexpr std::size_t most_of_answer = 1U << 20U;  // bytes; the rest is not read

    // `give_up` is asked about once a second while a request lasts. `settings` must live as long.
    HttpTransfer(const HttpSettings& settings, std::function<bool()> give_up);
    ~HttpTransfer();
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;

    HttpReply send(const HttpRequest& request);

private:
    class Handle;
    std::unique_ptr<Handle> handle_;
};
