#include "client/key_argument.hpp"

#include "client/place.hpp"

#include <CLI/CLI.hpp>

namespace myq {

void KeyArgument::add(CLI::App& verb) {
    verb.add_option("KEY", text, "Its key: decimal, 0x hexadecimal or 0 octal; see myq ftok")
        ->required()
        ->type_name("");
}

QueueKey KeyArgument::key() const {
    return parse_key(text);
}

}  // namespace myq
