#include "client/plugin/handler_options.hpp"

#include <CLI/CLI.hpp>

namespace myq {

void HandlerOptions::add(CLI::App& verb) {
    CLI::Option* one =
        verb.add_option("--option", words, "An option of its handler; may be given again")
            ->type_name("NAME=VALUE")
            ->allow_extra_args(false);
    verb.add_option("--options", file,
                    "All of them from a file, as 'options:' of the configuration has them: a "
                    "command line is for everybody to see")
        ->type_name("FILE")
        ->excludes(one);
}

void HandlerOptions::append_to(std::vector<std::string>& command) const {
    for (const std::string& word : words)
        command.insert(command.end(), {"--option", word});
    if (!file.empty()) command.insert(command.end(), {"--options", file.string()});
}

}  // namespace myq
