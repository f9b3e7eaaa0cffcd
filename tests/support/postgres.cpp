#include "tests/support/postgres.hpp"

#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"

#include <signal.h>

#include <stdexcept>
#include <utility>

namespace myq::test {

namespace fs = std::filesystem;

namespace {

constexpr const char* as_nobody = "setpriv --reuid=nobody --regid=nogroup --clear-groups ";

}  // namespace

// Debian has one directory for each version.
std::string Postgres::program(const std::string& name) const {
    for (const auto& version : fs::directory_iterator("/usr/lib/postgresql")) {
        const fs::path found = version.path() / "bin" / name;
        if (fs::exists(found)) return found;
    }
    throw std::runtime_error("there is no " + name);
}

Postgres::Postgres(fs::path dir) : dir_(std::move(dir)) {
    const Run made =
        test::run({"sh", "-euc",
                   std::string("chown nobody \"$0\"; ") + as_nobody +
                       R"("$1" -D "$0/data" -A trust -U test --no-sync --no-locale -E UTF8
                sed -i '1i local all clerk scram-sha-256' "$0/data/pg_hba.conf")",
                   dir_, program("initdb")});
    if (made.exit_code != 0) throw std::runtime_error("initdb: " + made.err);
    start();
    run("CREATE ROLE clerk LOGIN PASSWORD 'sesame'");
}

Postgres::~Postgres() {
    if (server_) server_->signal(SIGQUIT);  // or its processes would live on for a moment
    if (server_) server_->wait();
}

void Postgres::start() {
    const std::vector<std::string> command{
        "sh", "-c", std::string("exec ") + as_nobody + R"("$1" -D "$0/data" -k "$0" \
            -c listen_addresses= -c fsync=off -c max_connections=20 -c shared_buffers=8MB \
            -c jit=off -c autovacuum=off)",
        dir_, program("postgres")};
    // One that was killed leaves processes that hold on to its memory until they notice.
    const bool answers = eventually([&] {
        if (!server_) server_ = std::make_unique<Server>(command, dir_ / "postgres.log");
        if (server_->has_ended()) server_.reset();
        return server_ && run("SELECT 1") == "1\n";
    });
    if (!answers) throw std::runtime_error("postgres does not start: " + log());
}

void Postgres::kill() {
    server_.reset();
}

void Postgres::stop() {
    server_->signal(SIGINT);
    server_->wait();
    server_.reset();
}

std::string Postgres::run(const std::string& sql) const {
    const Run ran = test::run({program("psql"), "-XAtqd", connection(), "-c", sql});
    return ran.exit_code == 0 ? ran.out : "?";
}

std::string Postgres::log() const {
    return read_file(dir_ / "postgres.log");
}

}  // namespace myq::test
