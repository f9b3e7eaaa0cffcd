// log: writes every message to the daemon's log, where whatever is not printable is escaped.
//
//     handlers:
//       - {type: 1, name: note, plugin: log}
//       - {type: any, plugin: log, options: {max_bytes: 64}}
//
//     log: type 1 (note), 12 bytes: hello, world
//
// Options
//   max_bytes   how much of a body is shown, 0 to 65536; default 256. What is left out is counted.
//
// The simplest complete handler, and so the one to copy.
#include <myq/handler.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace {

constexpr std::int64_t default_max_bytes = 256;
constexpr std::int64_t largest_max_bytes = 65536;

std::size_t max_bytes(const myq::Options& options) {
    const std::int64_t number = options.integer("max_bytes", default_max_bytes);
    if (number < 0 || number > largest_max_bytes) {
        throw std::invalid_argument("option 'max_bytes' must be 0 to 65536");
    }
    return static_cast<std::size_t>(number);
}

class Log : public myq::Handler {
public:
    explicit Log(const myq::Start& start) : Handler(start), max_bytes_(max_bytes(start.options)) {}

    myq::Outcome handle(const myq::Message& message) override {
        const std::string_view body = message.text();
        std::string line = "type " + std::to_string(message.type());
        if (!message.type_name().empty()) line += " (" + std::string(message.type_name()) + ")";
        if (message.attempt() > 1) line += ", attempt " + std::to_string(message.attempt());
        line += ", " + std::to_string(body.size()) + (body.size() == 1 ? " byte" : " bytes");
        if (!body.empty() && max_bytes_ > 0) line.append(": ").append(body.substr(0, max_bytes_));
        if (body.size() > max_bytes_ && max_bytes_ > 0) {
            line += "... and " + std::to_string(body.size() - max_bytes_) + " more";
        }
        log(myq::Level::info, line);
        return myq::done();
    }

private:
    std::size_t max_bytes_;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Log>({
        .name = "log",
        .version = "1.0",
        .options = {{.name = "max_bytes",
                     .kind = MYQ_OPTION_INTEGER,
                     .default_value = "256",
                     .help = "how many bytes of a body are shown, 0 to 65536"}},
        .check = [](const myq::Options& options) { max_bytes(options); },
    });
}
