#include "client/peek_journal.hpp"

#include "client/body_head.hpp"
#include "client/entry_json.hpp"
#include "client/message_json.hpp"
#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/table.hpp"
#include "client/type.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace myq {

namespace {

Table make_table() {
    using Align = Table::Align;
    return {{{"NUMBER", Align::right},
             {"STATE"},
             {"TYPE", Align::right},
             {"AGE"},
             {"ATTEMPTS", Align::right},
             {"DUE"},
             {"SIZE", Align::right},
             {"BODY"}},
            output_width(),
            print_out};
}

// Only what waits is due, now or later.
std::string due(const JournalEntry& entry, std::int64_t now_ms) {
    if (entry.state == JournalState::dead || entry.state == JournalState::running) return "-";
    return entry.due_ms <= now_ms ? "now" : "in " + span((entry.due_ms - now_ms + 999) / 1000);
}

std::vector<std::string> row(const JournalEntry& entry, const Config& config, std::int64_t now_ms) {
    return {std::to_string(entry.row),
            name(entry.state),
            type_text(config, entry.queue, entry.type),
            span(std::max<std::int64_t>(now_ms - entry.accepted_ms, 0) / 1000),
            std::to_string(entry.attempts),
            due(entry, now_ms),
            std::to_string(entry.body.size()),
            body_head(text_of(entry.body))};
}

}  // namespace

std::uint64_t show_journaled(Journal& journal, const JournalFilter& filter, const Config& config,
                             bool json, const std::function<void()>& before) {
    const std::int64_t now = now_ms();
    std::uint64_t shown = 0;
    Table table = make_table();
    journal.list(filter, now, [&](const JournalEntry& entry) {
        if (shown++ == 0) before();
        if (json) {
            print_out(json_line(to_json(entry, false)));
        } else {
            table.add(row(entry, config, now));
        }
    });
    table.finish();
    return shown;
}

}  // namespace myq
