#pragma once

#include <myq/handler.hpp>

#include <chrono>
#include <string>
#include <vector>

// The options of `http`, all of them checked; see http.cpp for what they mean. "" stands for an
// option that is not there.
struct HttpSettings {
    // Throws std::invalid_argument with a sentence that names the option.
    explicit HttpSettings(const myq::Options& options);

    std::string url;
    std::string host;  // of the URL, with its port: fit for the log, where a URL may be a secret
    bool is_tls;
    std::string unix_socket;
    std::string method, content_type, user_agent;
    std::vector<std::string> headers;
    std::chrono::milliseconds connect_timeout, timeout;
    std::string ca_file, client_certificate, client_key;
    std::string username, password_file, bearer_file;
    long redirects;
};
