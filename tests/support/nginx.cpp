#include "tests/support/nginx.hpp"

#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>
#include <utility>

namespace myq::test {

namespace fs = std::filesystem;

namespace {

constexpr int statuses[] = {200, 201, 202, 301, 302, 307, 308, 400, 401, 403, 404, 405,
                            408, 409, 410, 413, 422, 425, 429, 500, 501, 502, 503, 504};

// The outer server reads the body and hands it to the inner one as a header: only that one's log is
// sure to be written before the answer is on its way to the client.
constexpr const char* configuration = R"(daemon off;
master_process off;
user root;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {dir}/tmp; proxy_temp_path {dir}/tmp; fastcgi_temp_path {dir}/tmp;
  uwsgi_temp_path {dir}/tmp; scgi_temp_path {dir}/tmp;
  client_body_buffer_size 1m; client_max_body_size 1m; large_client_header_buffers 8 1m;
  log_format got escape=json '{{"method":"$request_method","uri":"$request_uri",'
    '"body":"$http_x_body","content_type":"$content_type","agent":"$http_user_agent",'
    '"id":"$http_idempotency_key","queue":"$http_x_myq_queue","type":"$http_x_myq_type",'
    '"type_name":"$http_x_myq_type_name","attempt":"$http_x_myq_attempt",'
    '"authorization":"$http_authorization","extra":"$http_x_extra","empty":"$http_x_empty",'
    '"client":"$http_x_client","connection":"$http_x_connection","host":"$http_x_host"}}';
  access_log off;
  server {{
    listen unix:{dir}/http.sock;
    listen 127.0.0.1:{port};
    listen unix:{dir}/https.sock ssl;
    ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.key;
    ssl_verify_client optional; ssl_client_certificate {dir}/ca.pem;
    keepalive_requests 1000000;
    location / {{
      proxy_pass http://unix:{dir}/inner.sock;
      proxy_set_header X-Body $request_body;
      proxy_pass_request_body off; # which would be waited for with the note
      proxy_set_header Content-Length "";
      proxy_set_header X-Client $ssl_client_s_dn;
      proxy_set_header X-Connection $connection;
      proxy_set_header X-Host $http_host;
    }}
    location = /cut {{ return 444; }}
    location = /huge {{ root {dir}; error_page 405 =200 /huge; }}
    location = /away {{ return 307 /200; }}
    location = /found {{ return 302 /200; }}
    location = /other {{ return 307 http://127.0.0.1:{port}/200; }}
    location = /file {{ return 307 file:///etc/passwd; }}
    location = /round {{ return 307 /round; }}
  }}
  server {{
    listen unix:{dir}/inner.sock;
    access_log {dir}/requests got;
    lingering_close off; # or some are noted only when the other side has closed
    add_header Retry-After $arg_after always;
    default_type text/plain;
    location = /echo {{ return 500 "you said $http_authorization"; }}
    location = /lines {{ return 422 "{{\r\n  no:\tsuch{escape} order}}"; }}
{statuses}  }}
}}
)";

}  // namespace

Nginx::Nginx(fs::path dir) : dir_(std::move(dir)), port_(free_port()) {
    fs::create_directories(dir_ / "tmp");
    make_certificates();
    configure();
    write_file(dir_ / "huge", std::string(3U << 20U, 'x'));
}

void Nginx::make_certificates() const {
    const Run made = run({"sh", "-euc", R"(
        cd "$0"
        key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
        sign() { openssl x509 -req -days 30 -CA ca.pem -CAkey ca.key -CAcreateserial "$@"; }
        key ca.key
        openssl req -x509 -new -key ca.key -days 30 -subj /CN=authority -out ca.pem
        for name in server client; do
            key $name.key
            openssl req -new -key $name.key -subj /CN=$name -out $name.csr
        done
        echo subjectAltName=DNS:localhost >names
        sign -in server.csr -out server.pem -extfile names
        sign -in client.csr -out client.pem
    )",
                          dir_});
    if (made.exit_code != 0) throw std::runtime_error("openssl: " + made.err);
}

void Nginx::configure() const {
    std::string locations;
    for (const int status : statuses)
        locations += fmt::format("    location = /{0} {{ return {0} \"told {0}\"; }}\n", status);
    write_file(dir_ / "nginx.conf",
               fmt::format(fmt::runtime(configuration), fmt::arg("dir", dir_.string()),
                           fmt::arg("port", port_), fmt::arg("escape", "\x1b"),
                           fmt::arg("statuses", locations)));
}

void Nginx::start() {
    for (const char* name : {"http.sock", "https.sock", "inner.sock"})
        fs::remove(dir_ / name);  // which a killed one leaves, and the next stumbles over
    end_the_last_line();
    server_ = std::make_unique<Server>(std::vector<std::string>{"/usr/sbin/nginx", "-c",
                                                                dir_ / "nginx.conf", "-e",
                                                                dir_ / "nginx.log"},
                                       dir_ / "nginx.out");
    if (!eventually([&] { return listens(dir_ / "inner.sock") && listens(tls_socket()); }))
        throw std::runtime_error("nginx does not start: " + read_file(dir_ / "nginx.log") +
                                 read_file(dir_ / "nginx.out"));
    fs::permissions(socket(), fs::perms{0666});
    fs::permissions(tls_socket(), fs::perms{0666});
}

void Nginx::end_the_last_line() const {
    const std::string text = read_file(dir_ / "requests");
    if (!text.empty() && !text.ends_with('\n')) write_file(dir_ / "requests", text + '\n');
}

std::string Nginx::tcp_url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

std::vector<std::string> Nginx::requests() const {
    std::vector<std::string> lines;
    std::istringstream text(read_file(dir_ / "requests"));
    for (std::string line; std::getline(text, line);) {
        // Not what is being written, nor what a killed one did not write to its end.
        if (line.ends_with('}')) lines.push_back(line);
    }
    return lines;
}

void Nginx::forget_requests() const {
    fs::resize_file(dir_ / "requests", 0);
}

}  // namespace myq::test
