#include "client/plugin/new.hpp"

#include "client/failure.hpp"
#include "client/output.hpp"
#include "client/plugin/template.hpp"
#include "config/text.hpp"
#include "config/whole_number.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace myq {

namespace {

constexpr std::size_t longest_plugin_name = 64;

struct PluginNewOptions {
    std::string name;
    std::filesystem::path dir = ".";
    std::int64_t type = 42;
};

// What the daemon takes as the name of a file, and CMake as that of a target.
void check_plugin_name(const std::string& name) {
    const auto is_small = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const bool is_plain =
        !name.empty() && name.size() <= longest_plugin_name && is_small(name.front()) &&
        std::ranges::all_of(name, [&](char c) { return is_small(c) || c == '-' || c == '_'; });
    if (!is_plain) {
        throw Failure(
            ExitCode::usage,
            fmt::format("{}: no name for a plugin: use a-z, 0-9, '-' and '_', at most {}, "
                        "a letter or digit first",
                        myq::quoted(name), longest_plugin_name));
    }
    constexpr std::array<std::string_view, 9> taken{
        "all",          "clean",   "edit_cache", "help",
        "install",      "package", "test",       "list_install_components",
        "rebuild_cache"};
    if (std::ranges::find(taken, name) != taken.end()) {
        throw Failure(ExitCode::usage, fmt::format("{}: CMake has a target of that name: use "
                                                   "another",
                                                   myq::quoted(name)));
    }
}

std::string message_of(int error) {
    return std::generic_category().message(error);
}

void write_new_file(const std::filesystem::path& path, std::string_view text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int error = fd < 0 ? errno : 0;
    while (error == 0 && !text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0) error = errno;
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
    if (fd >= 0 && ::close(fd) != 0 && error == 0) error = errno;
    if (error != 0) {
        throw Failure(ExitCode::cannot_create,
                      fmt::format("{}: cannot be written: {}", path.string(), message_of(error)));
    }
}

// Made by us just now, so that nothing of anybody else's is in it.
void make_project_directory(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), 0777) == 0) return;
    const int error = errno;
    throw Failure(
        ExitCode::cannot_create,
        error == EEXIST
            ? fmt::format("{}: is there already: use another name, or --dir", path.string())
            : fmt::format("{}: cannot be made: {}", path.string(), message_of(error)));
}

void new_plugin(const PluginNewOptions& options) {
    check_plugin_name(options.name);
    const std::filesystem::path path = options.dir / options.name;
    make_project_directory(path);
    try {
        for (const TemplateFile& file : plugin_template(options.name, options.type))
            write_new_file(path / file.name, file.text);
    } catch (...) {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
        throw;
    }
    print_out(fmt::format("{0} is made: cd {0} && cmake -B build && cmake --build build && ctest "
                          "--test-dir build\n",
                          path.lexically_normal().string()));
}

}  // namespace

void add_plugin_new(CLI::App& plugin) {
    auto options = std::make_shared<PluginNewOptions>();
    CLI::App* verb = plugin.add_subcommand(
        "new", "Make a project for a plugin, with a test, that builds as it is");
    verb->add_option("NAME", options->name, "What it is called: a-z, 0-9, '-' and '_'")
        ->required()
        ->type_name("");
    verb->add_option("--dir", options->dir, "Where the directory NAME is made")
        ->capture_default_str()
        ->type_name("DIR");
    verb->add_option("--type", options->type, "The type of the messages that it takes")
        ->capture_default_str()
        ->type_name("NUMBER")
        ->check(whole_number(1));
    verb->callback([options] { new_plugin(*options); });
}

}  // namespace myq
