#include "client/errno.hpp"

#include "client/failure.hpp"
#include "client/output.hpp"
#include "config/text.hpp"
#include "ipc/ipc_error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <string.h>

#include <charconv>
#include <memory>
#include <string>

namespace myq {

namespace {

// Beyond the last number of Linux, so that a loop meets every one.
constexpr int most_errnos = 200;

std::string errno_name(int error) {
    const char* name = ::strerrorname_np(error);
    return name != nullptr ? name : "";
}

// "EIDRM", "eidrm" or "43".
int parse_errno(const std::string& text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    for (int i = 1; i < most_errnos; ++i) {
        const std::string known = errno_name(i);
        if (known.empty()) continue;
        if (is_number ? i == number : ::strcasecmp(known.c_str(), text.c_str()) == 0) return i;
    }
    throw Failure(ExitCode::usage,
                  fmt::format("{}: no such error: give a name such as EIDRM, or a number; without "
                              "one, all of them are shown",
                              myq::quoted(text)));
}

std::string errno_text(int error) {
    std::string text = fmt::format("{} ({}): {}\n", errno_name(error), error,
                                   std::generic_category().message(error));
    for (const IpcCall call : ipc_calls) {
        if (const auto known = meaning(call, error))
            text += fmt::format("  {:<7} {}\n", name(call), *known);
    }
    return text;
}

std::string errno_json(int error) {
    std::string lines;
    for (const IpcCall call : ipc_calls) {
        const auto known = meaning(call, error);
        if (!known) continue;
        const nlohmann::ordered_json json = {{"errno", error},
                                             {"name", errno_name(error)},
                                             {"call", name(call)},
                                             {"meaning", *known}};
        lines += json_line(json);
    }
    return lines;
}

bool is_of_ipc(int error) {
    return std::any_of(ipc_calls.begin(), ipc_calls.end(),
                       [&](IpcCall call) { return meaning(call, error).has_value(); });
}

void show_errno(const std::string& which, bool as_json) {
    const auto show = [&](int error) {
        print_out(as_json ? errno_json(error) : errno_text(error));
    };
    if (!which.empty()) return show(parse_errno(which));
    for (int error = 1; error < most_errnos; ++error)
        if (is_of_ipc(error)) show(error);
}

}  // namespace

void add_errno(CLI::App& app) {
    auto which = std::make_shared<std::string>();
    auto as_json = std::make_shared<bool>(false);
    CLI::App* verb = app.add_subcommand(
        "errno", "Explain an error of the System V calls, and what to do about it");
    verb->add_option("ERROR", *which, "A name such as EIDRM, or a number; all if there is none")
        ->type_name("");
    verb->add_flag("--json", *as_json, "One JSON object a line, for each call that returns it");
    verb->callback([which, as_json] { show_errno(*which, *as_json); });
}

}  // namespace myq
