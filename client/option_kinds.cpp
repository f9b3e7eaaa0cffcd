#include "client/option_kinds.hpp"

#include "config/duration.hpp"
#include "config/size.hpp"
#include "config/text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

namespace myq {

namespace {

mode_t parse_mode(const std::string& text) {
    mode_t mode = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, mode, 8);
    if (error != std::errc{} || stop != end || mode > 0777) {
        throw std::invalid_argument(
            fmt::format("{} is no mode: write it in octal, 0000 to 0777", myq::quoted(text)));
    }
    return mode;
}

template <typename Value, typename Parse>
CLI::Option* add(CLI::App& verb, const std::string& name, std::optional<Value>& value,
                 const std::string& help, Parse parse) {
    return verb.add_option_function<std::string>(
        name,
        [&value, name, parse](const std::string& text) {
            try {
                value = parse(text);
            } catch (const std::invalid_argument& e) {
                throw CLI::ValidationError(name, e.what());
            }
        },
        help);
}

}  // namespace

CLI::Option* add_duration(CLI::App& verb, const std::string& name,
                          std::optional<std::chrono::milliseconds>& value,
                          const std::string& help) {
    return add(verb, name, value, help, parse_duration)->type_name("DURATION");
}

CLI::Option* add_size(CLI::App& verb, const std::string& name, std::optional<std::uint64_t>& value,
                      const std::string& help) {
    return add(verb, name, value, help, parse_size)->type_name("SIZE");
}

CLI::Option* add_mode(CLI::App& verb, const std::string& name, std::optional<mode_t>& value,
                      const std::string& help) {
    return add(verb, name, value, help, parse_mode)->type_name("MODE");
}

}  // namespace myq
