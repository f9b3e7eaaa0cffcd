// myq-bench: the daemon beside something well known, measured in turn in one run, since a number
// without its neighbour says more of the machine than of us.
#include "bench/blob.hpp"
#include "bench/call.hpp"
#include "bench/confirmed.hpp"
#include "bench/hot_path.hpp"
#include "bench/load.hpp"
#include "bench/many_rows.hpp"
#include "bench/options.hpp"
#include "bench/php_value.hpp"
#include "bench/progress.hpp"
#include "bench/recovery.hpp"
#include "bench/reload.hpp"
#include "bench/report.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace myq::bench;

struct Part {
    const char* name;
    void (*measure)(const Options& options, Report& report);
};

constexpr Part parts[] = {
    {"handler", measure_hot_path},    {"call", measure_call},     {"confirmed", measure_confirmed},
    {"recovery", measure_recovery},   {"reload", measure_reload}, {"rows", measure_many_rows},
    {"php_value", measure_php_value}, {"blob", measure_blobs},
};

std::vector<std::string> part_names() {
    std::vector<std::string> names;
    for (const Part& part : parts)
        names.emplace_back(part.name);
    return names;
}

void measure(const Options& options, Report& report) {
    listen_to_signals();
    const auto& only = options.only;
    for (const Part& part : parts) {
        const bool is_wanted =
            only.empty() || std::find(only.begin(), only.end(), part.name) != only.end();
        if (is_wanted) part.measure(options, report);
    }
}

void print(const Report& report, bool as_json) {
    show_progress("");
    fmt::print("{}", as_json ? json_lines(report) : table(report));
}

void add_options(CLI::App& app, Options& options) {
    app.add_flag("--quick", options.quick, "Fewer rounds: two minutes instead of ten");
    app.add_flag("--json", options.json, "One JSON object a line instead of a table");
    app.add_option("--rounds", options.rounds, "How often everything is measured")
        ->check(CLI::Range(1, 100'000))
        ->type_name("N");
    app.add_option("--only", options.only, "Measure only this; may be said more than once")
        ->check(CLI::IsMember(part_names()));
    app.add_option("--daemon", options.daemon, "Another myqd than the one built beside")
        ->check(CLI::ExistingFile)
        ->type_name("FILE");
    app.add_option("--against", options.against,
                   "A myqd to compare the way to a handler with, in place of a bare loop")
        ->check(CLI::ExistingFile)
        ->type_name("FILE");
    app.add_option("--journal-dir", options.journal_dir,
                   "Where to make journals for a while: on a disk, not a tmpfs")
        ->type_name("DIR");
    app.add_option("--rows", options.rows, "Delayed messages in the large journal")
        ->check(CLI::Range(std::int64_t{2}, std::int64_t{1'000'000'000}))
        ->type_name("N");
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"How fast the daemon is, beside what it may be compared with.", "myq-bench"};
    add_options(app, options);
    CLI11_PARSE(app, argc, argv);
    Report report{this_machine(), {}, {}};
    try {
        measure(options, report);
        print(report, options.json);
        return EXIT_SUCCESS;
    } catch (const std::exception& e) {
        print(report, options.json);  // the parts that came to their end
        fmt::print(stderr, "myq-bench: {}\n", e.what());
        return EXIT_FAILURE;
    }
}
