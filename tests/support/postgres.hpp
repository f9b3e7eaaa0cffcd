#pragma once

#include "tests/support/server.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace myq::test {

// A real PostgreSQL on a socket in a directory of the test's, run by user nobody since it refuses
// to be root. Its superuser is "test", whom it trusts; "clerk" needs the password "sesame".
class Postgres {
public:
    explicit Postgres(std::filesystem::path dir);
    ~Postgres();
    Postgres(const Postgres&) = delete;
    Postgres& operator=(const Postgres&) = delete;

    void start();  // returns when it answers
    void kill();   // SIGKILL to the postmaster
    void stop();   // as an administrator does: sessions are ended

    // What connects to it.
    std::string connection() const {
        return "host=" + dir_.string() + " user=test dbname=postgres";
    }
    std::string run(const std::string& sql) const;  // what it prints; "?" when it fails
    std::string log() const;

private:
    std::string program(const std::string& name) const;

    std::filesystem::path dir_;
    std::unique_ptr<Server> server_;
};

}  // namespace myq::test
