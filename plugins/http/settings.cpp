#include "plugins/http/settings.hpp"

#include "plugins/http/secret.hpp"
#include "plugins/http/transfer.hpp"
#include "plugins/refuse.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string_view>

namespace {

constexpr std::int64_t most_redirects = 20;

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

// Text for one line of the request's head.
std::string header_text(const myq::Options& options, const char* name, const char* otherwise) {
    std::string text = options.text(name, otherwise);
    if (text.empty()) refuse(name, "is empty");
    refuse_control_characters(name, text);
    return text;
}

std::string method(const myq::Options& options) {
    std::string method = options.text("method", "POST");
    if (method != "POST" && method != "PUT") refuse("method", "must be POST or PUT");
    return method;
}

// RFC 9110's `token`: what a header's name is made of.
bool is_token(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                   std::string_view::npos;
    });
}

void check_header(const std::string& header) {
    refuse_control_characters("headers", header);
    const std::string name = lower(header.substr(0, header.find(':')));
    // Which may be a key, so it is not quoted.
    if (name.size() == header.size() || !is_token(name))
        refuse("headers", "has a line that is not 'Name: value'");
    if (name == "authorization" || name == "proxy-authorization")
        refuse("headers", "has " + name + "; write bearer_file, or username and password_file");
    constexpr std::array ours{"content-type",      "content-length", "content-encoding",
                              "transfer-encoding", "connection",     "expect",
                              "user-agent",        "idempotency-key"};
    if (std::find(ours.begin(), ours.end(), name) != ours.end() || name.starts_with("x-myq-"))
        refuse("headers", "has " + name + ", which is set by the plugin");
}

std::vector<std::string> headers(const myq::Options& options) {
    std::vector<std::string> list = options.list("headers");
    for (std::string& header : list) {
        check_header(header);
        // To libcurl "Name:" means "do not send it"; "Name;" is one without a value.
        const bool has_value = header.find_first_not_of(" :", header.find(':')) < header.size();
        if (!has_value) header = header.substr(0, header.find(':')) + ";";
    }
    return list;
}

std::string secret_file(const myq::Options& options, const char* name) {
    if (!options.has(name)) return {};
    std::string file = options.text(name);
    try {
        read_secret(file);
    } catch (const std::runtime_error& e) {
        refuse(name, std::string("is ") + e.what());
    }
    return file;
}

}  // namespace

HttpSettings::HttpSettings(const myq::Options& options)
    : url(options.text("url")),
      unix_socket(options.text("unix_socket")),
      method(::method(options)),
      content_type(header_text(options, "content_type", "application/octet-stream")),
      user_agent(header_text(options, "user_agent", "myq")),
      headers(::headers(options)),
      connect_timeout(positive_duration(options, "connect_timeout", std::chrono::seconds{10})),
      timeout(positive_duration(options, "timeout", std::chrono::seconds{30})),
      ca_file(readable_file(options, "ca_file")),
      client_certificate(readable_file(options, "client_certificate")),
      client_key(readable_file(options, "client_key")),
      username(options.text("username")),
      password_file(secret_file(options, "password_file")),
      bearer_file(secret_file(options, "bearer_file")) {
    const UrlParts parts = parse_url(url);
    if (!parts.problem.empty()) refuse("url", parts.problem);
    host = parts.host;
    is_tls = parts.scheme == "https";
    const std::int64_t number = options.integer("redirects", 0);
    if (number < 0 || number > most_redirects) refuse("redirects", "must be 0 to 20");
    redirects = static_cast<long>(number);

    if (!is_tls && (!ca_file.empty() || !client_certificate.empty() || !client_key.empty()))
        refuse("url", "is not https, but there are options for TLS");
    if (client_certificate.empty() != client_key.empty())
        refuse("client_certificate", "and 'client_key' need each other");
    if (options.has("username") != options.has("password_file"))
        refuse("username", "and 'password_file' need each other");
    refuse_control_characters("username", username);
    if (username.find(':') != std::string::npos) refuse("username", "has a colon in it");
    if (!bearer_file.empty() && !username.empty())
        refuse("bearer_file", "and 'username' exclude each other");
}
