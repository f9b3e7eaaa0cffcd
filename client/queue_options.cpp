#include "client/queue_options.hpp"

#include "client/account.hpp"
#include "client/failure.hpp"
#include "client/option_kinds.hpp"

#include <CLI/CLI.hpp>
#include <climits>
#include <fmt/format.h>

namespace myq {

void QueueOptions::add(CLI::App& verb) {
    add_mode(verb, "--mode", mode, "Who may read (take) and write (send), in octal, such as 0620");
    verb.add_option("--user", user, "The owner, by name or number")->type_name("USER");
    verb.add_option("--group", group, "The group, by name or number")->type_name("GROUP");
    add_size(verb, "--capacity", capacity,
             "How many bytes, and how many messages, may wait, such as 1MiB");
}

QueueSettings QueueOptions::settings() const {
    QueueSettings settings;
    settings.mode = mode;
    if (!user.empty()) settings.uid = find_user(user);
    if (!group.empty()) settings.gid = find_group(group);
    if (capacity && (*capacity == 0 || *capacity > INT_MAX)) {
        throw Failure(ExitCode::usage, fmt::format("--capacity {}: out of range: use 1 to {} bytes",
                                                   *capacity, INT_MAX));
    }
    settings.capacity = capacity;
    return settings;
}

}  // namespace myq
