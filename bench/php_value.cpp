#include "bench/php_value.hpp"

#include "bench/command.hpp"
#include "bench/own_directory.hpp"
#include "bench/progress.hpp"
#include "php/serialize.hpp"
#include "php/unserialize.hpp"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace myq::bench {

namespace {

constexpr int most_rounds = 50;
constexpr int quick_rounds = 10;
constexpr int records = 10'000;
// In each round, one after the other; the first of them warm memory up and are not counted.
constexpr int times = 15;
constexpr int warm_up = 5;

php::Array record(int number) {
    php::Array tags;
    for (const char* tag : {"new", "paid", "export"})
        tags.push(tag);
    php::Array record;
    record.set("id", number);
    record.set("name", fmt::format("customer number {}", number));
    record.set("email", fmt::format("user{}@example.com", number));
    record.set("balance", number / 7.0);
    record.set("active", number % 2 == 0);
    record.set("tags", std::move(tags));
    record.set("parent", php::Value());
    return record;
}

std::string text_of_records() {
    php::Array all;
    for (int number = 0; number < records; ++number)
        all.push(record(number));
    return php::serialize(all);
}

// What it takes to decode the text once, and to decode it and give its memory back.
struct Times {
    Samples decode, whole;  // milliseconds
};

Times time_ours(const std::string& text) {
    using Clock = std::chrono::steady_clock;
    using Milliseconds = std::chrono::duration<double, std::milli>;
    Times all;
    for (int i = 0; i < warm_up + times; ++i) {
        const auto begin = Clock::now();
        auto decoded = php::unserialize(text);
        const auto middle = Clock::now();
        if (!decoded) throw std::runtime_error("php_value: " + decoded.fault->text());
        decoded = {};
        const auto end = Clock::now();
        if (i < warm_up) continue;
        all.decode.add(Milliseconds(middle - begin).count());
        all.whole.add(Milliseconds(end - begin).count());
    }
    return all;
}

constexpr const char* script = R"php(
    $text = file_get_contents($argv[1]);
    for ($i = 0; $i < $argv[2]; $i++) {
        $begin = hrtime(true);
        $value = unserialize($text);
        $middle = hrtime(true);
        unset($value);
        $end = hrtime(true);
        echo ($middle - $begin) / 1e6, ' ', ($end - $begin) / 1e6, "\n";
    }
)php";

// In one process of its own.
Times time_php(const std::string& file) {
    Command php({"php", "-r", script, file, std::to_string(warm_up + times)});
    Times all;
    for (int i = 0; i < warm_up + times; ++i) {
        std::istringstream line(php.read_line());
        double decode = 0;
        double whole = 0;
        if (!(line >> decode >> whole)) throw std::runtime_error("php_value: php: " + php.rest());
        if (i < warm_up) continue;
        all.decode.add(decode);
        all.whole.add(whole);
    }
    php.wait();
    return all;
}

bool has_php() {
    Command search({"sh", "-c", "command -v php >/dev/null"});
    return search.wait() == 0;
}

}  // namespace

void measure_php_value(const Options& options, Report& report) {
    const OwnDirectory directory;
    const std::string file = directory.path() / "records";
    const std::string text = text_of_records();
    std::ofstream(file, std::ios::binary) << text;
    const double bytes = static_cast<double>(text.size()) / 1e3;
    const auto contest = [](const char* scenario) {
        return Contest{.scenario = scenario,
                       .unit = "MB a second",
                       .against = "PHP's unserialize",
                       .target = 1};
    };
    Contest decode = contest("php::Value: 10000 records");
    Contest whole = contest("php::Value: the same, and freed");
    const bool is_php_there = has_php();
    if (!is_php_there) decode.remark = whole.remark = "skipped: no php";
    const int rounds = options.rounds_or(quick_rounds, most_rounds);
    for (int round = 1; round <= rounds; ++round) {
        show_progress(fmt::format("php::Value: round {} of {}", round, rounds));
        if (is_php_there) {
            const Times theirs = time_php(file);
            decode.baseline.add(bytes / theirs.decode.median());
            whole.baseline.add(bytes / theirs.whole.median());
        }
        const Times ours = time_ours(text);
        decode.daemon.add(bytes / ours.decode.median());
        whole.daemon.add(bytes / ours.whole.median());
    }
    report.contests.push_back(decode);
    report.contests.push_back(whole);
}

}  // namespace myq::bench
