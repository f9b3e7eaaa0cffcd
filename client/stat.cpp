#include "client/stat.hpp"

#include "client/account.hpp"
#include "client/moment.hpp"
#include "client/output.hpp"
#include "client/place.hpp"
#include "client/stat_json.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <ctime>
#include <memory>
#include <string>

namespace myq {

namespace {

struct StatOptions {
    PlaceOptions place;
    bool json = false;
};

// A sender may write and not read; the numbers are no secret.
QueueStat look(const MessageQueue& queue) {
    try {
        return queue.stat();
    } catch (const IpcError& e) {
        if (e.error() != EACCES) throw;
        return queue.stat_any();
    }
}

std::string moment_by(std::time_t time, pid_t pid) {
    return moment(time, std::time(nullptr)) + (pid == 0 ? "" : fmt::format(" by process {}", pid));
}

std::string account(uid_t uid, gid_t gid) {
    return fmt::format("{}:{} (uid {}, gid {})", user_name(uid), group_name(gid), uid, gid);
}

std::string form(const Place& place, const QueueStat& stat) {
    const std::uint64_t percent = stat.capacity == 0 ? 100 : stat.bytes * 100 / stat.capacity;
    std::string text;
    if (place.config) text += fmt::format("name          {}\n", place.name);
    text += fmt::format("key           0x{:08x} ({})\n", static_cast<std::uint32_t>(stat.key),
                        stat.key);
    text += fmt::format("id            {}\n", stat.id);
    text += fmt::format("owner         {}\n", account(stat.uid, stat.gid));
    text += fmt::format("creator       {}\n", account(stat.creator_uid, stat.creator_gid));
    text += fmt::format("mode          {:04o}\n", stat.mode);
    text += fmt::format("messages      {}\n", stat.messages);
    text += fmt::format("bytes         {} of {} ({} %)\n", stat.bytes, stat.capacity, percent);
    text += fmt::format("last send     {}\n", moment_by(stat.last_send_time, stat.last_send_pid));
    text +=
        fmt::format("last receive  {}\n", moment_by(stat.last_receive_time, stat.last_receive_pid));
    text += fmt::format("last change   {}\n", moment_by(stat.change_time, 0));
    return text;
}

}  // namespace

void add_stat(CLI::App& app, const ConfigChoice& config) {
    auto options = std::make_shared<StatOptions>();
    CLI::App* verb = app.add_subcommand("stat", "Show everything the kernel knows about a queue");
    options->place.add(*verb, "jobs: a queue of the config");
    verb->add_flag("--json", options->json, "One JSON object, with the names of msg_stat_queue()");
    verb->callback([options, &config] {
        const Place place = find_whole(options->place, config);
        const QueueStat stat = look(place.queue);
        print_out(options->json ? json_line(to_json(stat)) : form(place, stat));
    });
}

}  // namespace myq
