#include "client/shm_variable.hpp"

#include "client/body_head.hpp"
#include "client/failure.hpp"
#include "client/key_argument.hpp"
#include "client/message_json.hpp"
#include "client/output.hpp"
#include "client/php_text.hpp"
#include "client/place.hpp"
#include "client/semaphore_of_ours.hpp"
#include "client/table.hpp"
#include "ipc/shared_variables.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace myq {

namespace {

// `has` found nothing: an answer, and no error.
constexpr int status_no = 1;

// The segment, and what keeps others out of it meanwhile.
struct SegmentOptions {
    KeyArgument key;
    std::string lock;

    void add(CLI::App& verb) {
        key.add(verb);
        verb.add_option("--lock", lock, "Hold the semaphore with this key meanwhile")
            ->type_name("KEY");
    }

    // Whoever made the segment may have made its semaphore too.
    std::optional<Semaphore> semaphore() const {
        if (lock.empty()) return std::nullopt;
        return semaphore_of_ours(parse_key(lock), {},
                                 {SharedMemory::open(key.key()).stat().creator_uid});
    }
};

struct VariableOptions {
    SegmentOptions segment;
    std::int64_t variable = 0;
    std::optional<std::string> value;
    std::string file;
    bool php = false, string = false;

    void add(CLI::App& verb) {
        segment.add(verb);
        verb.add_option("VARIABLE", variable, "The variable's number, as PHP's shm_put_var has it")
            ->required()
            ->type_name("");
    }
};

// Works on the segment, under its lock where one was named.
template <typename Work>
auto with_segment(const SegmentOptions& options, Access access, const Work& work) {
    std::optional<Semaphore> semaphore = options.semaphore();
    SharedVariables variables =
        SharedVariables::open(options.key.key(), access, semaphore ? &*semaphore : nullptr);
    return work(variables);
}

Failure no_variable(const VariableOptions& options, const SharedVariables& variables) {
    return {ExitCode::unavailable,
            fmt::format("{}: there is no variable {}: see myq shm dump {}",
                        variables.memory().name(), options.variable, options.segment.key.text)};
}

std::string read_all(const std::string& file) {
    std::ifstream input(file, std::ios::binary);
    std::ostringstream bytes;
    if (input && input.peek() != std::ifstream::traits_type::eof()) bytes << input.rdbuf();
    if (!input.is_open() || input.bad()) {
        throw Failure(ExitCode::no_input, fmt::format("{}: cannot be read: {}", file,
                                                      std::generic_category().message(errno)));
    }
    return std::move(bytes).str();
}

std::string value_to_put(const VariableOptions& options) {
    std::string value;
    if (options.value && *options.value != "-") {
        value = *options.value;
    } else {
        value = read_all(options.file.empty() ? "/dev/stdin" : options.file);
    }
    if (options.string) return php_string(value);
    return options.php ? php_from_json(value) : value;
}

void put(const VariableOptions& options) {
    if (options.value && !options.file.empty()) {
        throw Failure(ExitCode::usage,
                      "--file: the value is named twice: leave out --file or the value");
    }
    const std::string value = value_to_put(options);
    with_segment(options.segment, Access::read_write, [&](SharedVariables& variables) {
        if (variables.put(options.variable, std::as_bytes(std::span(value))) == PutStatus::stored)
            return;
        throw Failure(ExitCode::try_later,
                      fmt::format("{}: there is no room for {} bytes more: remove variables, or "
                                  "make a larger segment",
                                  variables.memory().name(),
                                  SharedVariables::room_for(value.size())));
    });
}

void get(const VariableOptions& options) {
    with_segment(options.segment, Access::read_only, [&](const SharedVariables& variables) {
        const auto value = variables.value(options.variable);
        if (!value) throw no_variable(options, variables);
        const std::string_view text = text_of(*value);
        const std::string what = fmt::format("variable {}", options.variable);
        if (options.php) {
            print_out(json_from_php(text, what) + "\n");
        } else if (options.string) {
            print_body(bytes_of_php_string(text, what));
        } else {
            print_body(text);
        }
    });
}

void has(const VariableOptions& options) {
    with_segment(options.segment, Access::read_only, [&](const SharedVariables& variables) {
        if (!variables.has(options.variable)) throw QuietExit{status_no};
    });
}

void del(const VariableOptions& options) {
    with_segment(options.segment, Access::read_write, [&](SharedVariables& variables) {
        if (!variables.remove(options.variable)) throw no_variable(options, variables);
    });
}

std::string variable_json(std::int64_t variable, std::span<const std::byte> value, bool php) {
    nlohmann::ordered_json json = {{"variable", variable}};
    if (php) {
        json["value"] = nlohmann::ordered_json::parse(
            json_from_php(text_of(value), fmt::format("variable {}", variable)));
    } else {
        const nlohmann::ordered_json bytes = to_json(0, value);
        for (const auto& [name, content] : bytes.items())
            if (name != "type") json[name] = content;
    }
    return json_line(json);
}

void dump(const SegmentOptions& options, bool as_json, bool php) {
    using Align = Table::Align;
    Table table({{"VARIABLE", Align::right}, {"SIZE", Align::right}, {"VALUE"}}, output_width(),
                print_out);
    with_segment(options, Access::read_only, [&](const SharedVariables& variables) {
        variables.each([&](std::int64_t variable, std::span<const std::byte> value) {
            if (as_json || php) return print_out(variable_json(variable, value, php));
            table.add({std::to_string(variable), std::to_string(value.size()),
                       body_head(text_of(value))});
        });
    });
    table.finish();
}

void add_put(CLI::App& shm) {
    auto options = std::make_shared<VariableOptions>();
    CLI::App* verb = shm.add_subcommand("put", "Set a variable");
    options->add(*verb);
    verb->add_option("VALUE", options->value, "Its bytes; '-' or nothing: standard input as it is")
        ->type_name("");
    verb->add_option("--file", options->file, "What this file holds")->type_name("FILE");
    CLI::Option* php = verb->add_flag(
        "--php", options->php, "The value is JSON, and is put as PHP's serialize() writes it");
    verb->add_flag("--string", options->string, "The value is put as a PHP string")->excludes(php);
    verb->callback([options] { put(*options); });
}

void add_get(CLI::App& shm) {
    auto options = std::make_shared<VariableOptions>();
    CLI::App* verb = shm.add_subcommand("get", "Print a variable, as it is");
    options->add(*verb);
    CLI::Option* php = verb->add_flag("--php", options->php, "Print what PHP serialized as JSON");
    verb->add_flag("--string", options->string, "Print the bytes of a PHP string")->excludes(php);
    verb->callback([options] { get(*options); });
}

void add_has(CLI::App& shm) {
    auto options = std::make_shared<VariableOptions>();
    CLI::App* verb = shm.add_subcommand("has", "Exit with 0 if there is such a variable, else 1");
    options->add(*verb);
    verb->callback([options] { has(*options); });
}

void add_del(CLI::App& shm) {
    auto options = std::make_shared<VariableOptions>();
    CLI::App* verb = shm.add_subcommand("del", "Remove a variable");
    options->add(*verb);
    verb->callback([options] { del(*options); });
}

void add_dump(CLI::App& shm) {
    struct Options {
        SegmentOptions segment;
        bool json = false, php = false;
    };
    auto options = std::make_shared<Options>();
    CLI::App* verb = shm.add_subcommand("dump", "Show every variable of a segment");
    options->segment.add(*verb);
    verb->add_flag("--json", options->json, "One JSON object a line");
    verb->add_flag("--php", options->php, "The same, with what PHP serialized as its value");
    verb->callback([options] { dump(options->segment, options->json, options->php); });
}

}  // namespace

void add_shm_variable_verbs(CLI::App& shm) {
    add_put(shm);
    add_get(shm);
    add_has(shm);
    add_del(shm);
    add_dump(shm);
}

}  // namespace myq
