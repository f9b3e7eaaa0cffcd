#include "client/sem_wait.hpp"

#include "client/failure.hpp"
#include "client/option_kinds.hpp"
#include "config/duration.hpp"
#include "config/whole_number.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace myq {

void SemWait::add(CLI::App& verb) {
    verb.add_option("--max", max_acquire,
                    "How many may hold it at once (1); only the first user's word counts")
        ->check(whole_number(1, 32767))
        ->type_name("N");
    CLI::Option* option = verb.add_flag("--nowait", nowait, "Fail with status 75 if it is held");
    add_duration(verb, "--timeout", timeout, "Wait at most so long, such as 30s; then status 75")
        ->excludes(option);
}

SemaphoreOptions SemWait::options(AtEnd at_end) const {
    return {.max_acquire = max_acquire, .at_end = at_end};
}

std::optional<std::chrono::nanoseconds> SemWait::limit() const {
    if (nowait) return std::chrono::nanoseconds{0};
    return timeout;
}

void SemWait::throw_held(const std::string& name) const {
    throw Failure(
        ExitCode::try_later,
        fmt::format("{}: it is held{}: try again later{}", name,
                    timeout ? fmt::format(", and was for {}", duration_text(*timeout)) : "",
                    nowait ? ", or wait without --nowait" : ""));
}

}  // namespace myq
