#include "plugins/http/transfer.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <utility>

namespace {

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

// One part of a URL; "" when it has none.
std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
    std::string result = text;
    curl_free(text);
    return result;
}

// Scheme, host and port: who gets what is for nobody else.
std::string origin_of(const std::string& url) {
    const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
    if (!parsed) throw std::bad_alloc();
    if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
    std::string host = part(parsed.get(), CURLUPART_HOST);
    std::ranges::transform(host, host.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return part(parsed.get(), CURLUPART_SCHEME) + "://" + host + ":" +
           part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

// libcurl's list of header lines.
class Lines {
public:
    Lines() = default;
    ~Lines() { curl_slist_free_all(list_); }
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;

    void add(const std::string& line) {
        curl_slist* longer = curl_slist_append(list_, line.c_str());
        if (longer == nullptr) throw std::bad_alloc();
        list_ = longer;
    }
    curl_slist* get() const { return list_; }

private:
    curl_slist* list_ = nullptr;
};

}  // namespace

UrlParts parse_url(const std::string& url) {
    const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
    if (!parsed) throw std::bad_alloc();
    UrlParts parts;
    const CURLUcode error = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
    if (error != CURLUE_OK) {
        parts.problem = std::string("is no URL: ") + curl_url_strerror(error);
        return parts;
    }
    parts.scheme = part(parsed.get(), CURLUPART_SCHEME);
    parts.host = part(parsed.get(), CURLUPART_HOST);
    const std::string port = part(parsed.get(), CURLUPART_PORT);
    if (!port.empty()) parts.host += ":" + port;
    if (parts.scheme != "http" && parts.scheme != "https") {
        parts.problem = "must begin with http:// or https://";
    } else if (!part(parsed.get(), CURLUPART_USER).empty() ||
               !part(parsed.get(), CURLUPART_PASSWORD).empty()) {
        parts.problem = "has a user or password in it; write username and password_file";
    } else if (!part(parsed.get(), CURLUPART_FRAGMENT).empty()) {
        parts.problem = "has a fragment (#...), which no server would see";
    }
    return parts;
}

class HttpTransfer::Handle {
public:
    Handle(const HttpSettings& settings, std::function<bool()> give_up)
        : settings_(settings),
          give_up_(std::move(give_up)) {
        // Once a process; worker processes have one thread.
        static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
        if (started != CURLE_OK) throw std::runtime_error(curl_easy_strerror(started));
        curl_.reset(curl_easy_init());
        if (!curl_) throw std::bad_alloc();
        set_once();
        set_tls();
    }

    HttpReply send(const HttpRequest& request);

private:
    struct Cleanup {
        void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
    };

    template <typename Value>
    void set(CURLoption option, Value value) {
        const CURLcode error = curl_easy_setopt(curl_.get(), option, value);
        if (error != CURLE_OK) throw std::runtime_error(curl_easy_strerror(error));
    }

    void set_once();
    void set_tls();
    void set_request(const HttpRequest& request, std::chrono::milliseconds time);
    void set_credentials(const HttpRequest& request, bool is_home);
    CURLcode perform(const HttpRequest& request, const std::string& url,
                     std::chrono::milliseconds time);
    std::string redirected_to() const;
    HttpReply reply(CURLcode result);

    static std::size_t take(const char* bytes, std::size_t, std::size_t size, void* self);
    static int look_around(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

    const HttpSettings& settings_;
    std::function<bool()> give_up_;
    std::unique_ptr<CURL, Cleanup> curl_;
    std::array<char, CURL_ERROR_SIZE> error_{};
    std::string head_;
    std::size_t answered_ = 0;  // bytes of the answer's body so far
    bool is_cut_ = false;
};

void HttpTransfer::Handle::set_once() {
    // Redirections too may lead nowhere else, and never from TLS to the clear.
    set(CURLOPT_PROTOCOLS_STR, settings_.is_tls ? "https" : "http,https");
    // Followed here: libcurl would tell our headers to whomever it is sent to.
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_POST, 1L);
    if (settings_.method != "POST") set(CURLOPT_CUSTOMREQUEST, settings_.method.c_str());
    set(CURLOPT_USERAGENT, settings_.user_agent.c_str());
    set(CURLOPT_PROXY, "");  // whatever the environment says
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    if (!settings_.unix_socket.empty())
        set(CURLOPT_UNIX_SOCKET_PATH, settings_.unix_socket.c_str());
    set(CURLOPT_NOSIGNAL, 1L);  // signals are the worker's
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_ERRORBUFFER, error_.data());
    set(CURLOPT_WRITEFUNCTION, take);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, look_around);
    set(CURLOPT_XFERINFODATA, this);
}

void HttpTransfer::Handle::set_tls() {
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!settings_.ca_file.empty()) {
        set(CURLOPT_CAINFO, settings_.ca_file.c_str());
        set(CURLOPT_CAPATH, nullptr);  // these, and not the machine's as well
    }
    if (!settings_.client_certificate.empty()) {
        set(CURLOPT_SSLCERT, settings_.client_certificate.c_str());
        set(CURLOPT_SSLKEY, settings_.client_key.c_str());
    }
}

void HttpTransfer::Handle::set_request(const HttpRequest& request, std::chrono::milliseconds time) {
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(time.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(std::min(time, settings_.connect_timeout).count()));
    set(CURLOPT_POSTFIELDS, request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    head_.clear();
    answered_ = 0;
    is_cut_ = false;
    error_[0] = '\0';
}

void HttpTransfer::Handle::set_credentials(const HttpRequest& request, bool is_home) {
    const bool has_user = is_home && !settings_.username.empty();
    const bool has_bearer = is_home && !request.bearer.empty();
    set(CURLOPT_HTTPAUTH, static_cast<long>(has_bearer ? CURLAUTH_BEARER : CURLAUTH_BASIC));
    set(CURLOPT_XOAUTH2_BEARER, has_bearer ? request.bearer.c_str() : nullptr);
    set(CURLOPT_USERNAME, has_user ? settings_.username.c_str() : nullptr);
    set(CURLOPT_PASSWORD, has_user ? request.password.c_str() : nullptr);
}

CURLcode HttpTransfer::Handle::perform(const HttpRequest& request, const std::string& url,
                                       std::chrono::milliseconds time) {
    const bool is_home = url == settings_.url || origin_of(url) == origin_of(settings_.url);
    set(CURLOPT_URL, url.c_str());
    set_request(request, time);
    set_credentials(request, is_home);
    Lines lines;
    lines.add("Content-Type: " + settings_.content_type);
    lines.add("Expect:");  // no round trip to ask whether a body is welcome
    if (is_home) {
        for (const std::string& line : settings_.headers)
            lines.add(line);
    }
    for (const std::string& line : request.headers)
        lines.add(line);
    set(CURLOPT_HTTPHEADER, lines.get());
    const CURLcode result = curl_easy_perform(curl_.get());
    set(CURLOPT_HTTPHEADER, nullptr);  // the lines are about to go
    return result;
}

// "" for an answer that sends us nowhere.
std::string HttpTransfer::Handle::redirected_to() const {
    char* url = nullptr;
    if (curl_easy_getinfo(curl_.get(), CURLINFO_REDIRECT_URL, &url) != CURLE_OK || url == nullptr)
        return {};
    return url;
}

HttpReply HttpTransfer::Handle::send(const HttpRequest& request) {
    using std::chrono::milliseconds;
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + request.timeout;
    std::string url = settings_.url;
    milliseconds left = request.timeout;
    for (long redirects = settings_.redirects;; --redirects) {
        const CURLcode result = perform(request, url, left);
        const std::string next = result == CURLE_OK ? redirected_to() : std::string();
        if (next.empty() || redirects == 0) return reply(result);
        url = next;
        // 0 would be no limit at all.
        left = std::max(std::chrono::ceil<milliseconds>(deadline - Clock::now()), milliseconds{1});
    }
}

// An answer counts when it is complete, or so long that the rest was not read.
HttpReply HttpTransfer::Handle::reply(CURLcode result) {
    HttpReply reply;
    if (result == CURLE_OK || is_cut_) {
        curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &reply.status);
        curl_off_t seconds = 0;
        curl_easy_getinfo(curl_.get(), CURLINFO_RETRY_AFTER, &seconds);
        reply.retry_after = std::chrono::seconds{seconds};
        reply.head = std::move(head_);
        if (reply.status != 0) return reply;
    }
    reply.problem = error_[0] != '\0' ? error_.data() : curl_easy_strerror(result);
    if (result == CURLE_ABORTED_BY_CALLBACK)
        reply.problem = "given up because the worker is to leave";
    return reply;
}

std::size_t HttpTransfer::Handle::take(const char* bytes, std::size_t, std::size_t size,
                                       void* self) {
    auto& handle = *static_cast<Handle*>(self);
    handle.head_.append(bytes, std::min(size, longest_head - handle.head_.size()));
    handle.answered_ += size;
    handle.is_cut_ = handle.answered_ > most_of_answer;
    return handle.is_cut_ ? 0 : size;
}

int HttpTransfer::Handle::look_around(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Handle*>(self)->give_up_() ? 1 : 0;
}

HttpTransfer::HttpTransfer(const HttpSettings& settings, std::function<bool()> give_up)
    : handle_(std::make_unique<Handle>(settings, std::move(give_up))) {}

HttpTransfer::~HttpTransfer() = default;

HttpReply HttpTransfer::send(const HttpRequest& request) {
    return handle_->send(request);
}
