#pragma once

#include "tests/support/server.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace myq::test {

// A real nginx on sockets in a directory of the test's, that answers to /STATUS with that status
// and notes what it was sent before it answers. One process, so that a kill is the end of it.
class Nginx {
public:
    explicit Nginx(std::filesystem::path dir);

    void start();  // returns when it takes connections
    void kill() { server_.reset(); }
    pid_t pid() const { return server_->pid(); }

    std::filesystem::path socket() const { return dir_ / "http.sock"; }
    std::filesystem::path tls_socket() const { return dir_ / "https.sock"; }  // for "localhost"
    std::string url(std::string_view path) const { return "http://localhost" + std::string(path); }
    std::string tcp_url(std::string_view path) const;

    // Of the authority that signed it, and one that it signed for a client.
    std::filesystem::path ca_file() const { return dir_ / "ca.pem"; }
    std::filesystem::path client_certificate() const { return dir_ / "client.pem"; }
    std::filesystem::path client_key() const { return dir_ / "client.key"; }

    // What it was sent, one object of JSON each: method, uri, body, ...
    std::vector<std::string> requests() const;
    void forget_requests() const;

private:
    void make_certificates() const;
    void configure() const;
    void end_the_last_line() const;

    std::filesystem::path dir_;
    int port_;
    std::unique_ptr<Server> server_;
};

}  // namespace myq::test
