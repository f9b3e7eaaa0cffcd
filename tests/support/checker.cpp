#include "tests/support/checker.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <span>
#include <sstream>

namespace myq::test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t probes = 1'000;

// What is known of a message, in one byte: a fate, and whether it was accepted.
constexpr std::uint8_t again_mark = static_cast<std::uint8_t>(Checker::Fate::again);
constexpr std::uint8_t forgone_mark = static_cast<std::uint8_t>(Checker::Fate::forgone);
constexpr std::uint8_t accepted_mark = 4;

// Somebody must handle it, or say that it is dead.
bool is_owed(std::uint8_t marks) {
    return (marks & accepted_mark) != 0 && (marks & forgone_mark) == 0;
}

// Until `done`, for as long as something moves: a machine may be busy, and a storm is long.
bool in_the_end(const std::function<bool()>& done, const std::function<std::uint64_t()>& moved) {
    for (std::uint64_t before = moved();; before = moved()) {
        if (eventually(done)) return true;
        if (moved() == before) return false;
    }
}

// A few of a list, for a sentence.
std::string some(const std::vector<std::size_t>& ids) {
    std::string text;
    for (std::size_t i = 0; i < ids.size() && i < 5; ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(ids[i]);
    return ids.size() > 5 ? text + ", ..." : text;
}

std::vector<std::string> entries(const fs::path& directory) {
    std::vector<std::string> names;
    if (!fs::exists(directory)) return names;
    for (const auto& entry : fs::directory_iterator(directory))
        names.push_back(entry.path().filename());
    return names;
}

// Of /proc/sysvipc/shm or sem: how many objects.
int count_objects(const char* table) {
    return count(read_file(table), "\n") - 1;
}

}  // namespace

Checker::Checker(const DaemonProcess& daemon, std::size_t messages)
    : daemon_(daemon),
      most_(messages + probes),
      ledger_(file(), most_),
      marks_(std::make_unique<std::atomic<std::uint8_t>[]>(most_)) {}

std::size_t Checker::next(Fate fate) {
    const std::size_t id = next_++;
    if (id >= most_) throw std::out_of_range("more messages than the checker was made for");
    marks_[id] = static_cast<std::uint8_t>(fate);
    return id;
}

void Checker::accepted(std::size_t id) {
    marks_[id] |= accepted_mark;
}

void Checker::may_be_lost(std::size_t id) {
    marks_[id] |= forgone_mark;
}

bool Checker::send(const MessageQueue& queue, std::int64_t type, std::string_view command,
                   Fate fate) {
    const std::size_t id = next(fate);
    std::array<char, 64> body{};
    char* end = std::to_chars(body.data(), body.data() + body.size(), id).ptr;
    if (!command.empty()) {
        *end++ = ':';
        end += command.copy(end, static_cast<std::size_t>(body.data() + body.size() - end));
    }
    const std::span<const char> text(body.data(), end);
    try {
        if (queue.send(type, std::as_bytes(text)) != SendStatus::sent) return false;
    } catch (const IpcError&) {
        return false;
    }
    accepted(id);
    return true;
}

std::size_t Checker::count_accepted() const {
    std::size_t found = 0;
    for (std::size_t id = 0; id < next_; ++id)
        found += (marks_[id] & accepted_mark) != 0 ? 1U : 0U;
    return found;
}

std::size_t Checker::handled() const {
    std::size_t found = 0;
    for (std::size_t id = 0; id < next_; ++id)
        found += times(id) > 0 ? 1U : 0U;
    return found;
}

std::uint64_t Checker::repeated() const {
    std::uint64_t found = 0;
    for (std::size_t id = 0; id < next_; ++id) {
        if ((marks_[id] & again_mark) == 0 && times(id) > 1) found += times(id) - 1;
    }
    return found;
}

bool Checker::probe() {
    std::size_t id = 0;
    bool sent = false;
    // The queue may have been removed a moment ago: then it is made again.
    eventually([&] {
        try {
            id = next_;
            sent = send(daemon_.queue(), 1);
            return sent;
        } catch (const IpcError&) {
            return false;
        }
    });
    const bool handled =
        sent && in_the_end([&] { return times(id) > 0; }, [&] { return Checker::handled(); });
    if (!handled) complain("I9: a message that is sent after the fault is not handled");
    return handled;
}

std::vector<std::string> Checker::conclude() {
    if (daemon_.status().exit_code != 0) {
        const Run start = daemon_.start();
        if (start.exit_code != 0) {
            complain(fmt::format("I9: the daemon does not start any more: {}", start.err));
            return violations_;
        }
    }
    probe();
    wait_for_work_to_end();
    check_each_message();
    if (account_holds_) check_account();
    if (const Run stop = daemon_.stop(); stop.exit_code != 0)
        complain(fmt::format("I5: the daemon does not stop: {}", stop.err));
    check_what_is_left();
    return violations_;
}

// Accepted, and neither handled nor among the dead that were read last.
std::size_t Checker::unsettled() const {
    std::size_t found = 0;
    for (std::size_t id = 0; id < next_; ++id)
        found += is_owed(marks_[id]) && times(id) == 0 && !dead_.contains(id) ? 1U : 0U;
    return found;
}

namespace {

// What waits, as the daemon counts it: in its kernel queue, in slots and in the journal.
std::uint64_t waiting(const json& queue) {
    std::uint64_t sum = queue.at("kernel").at("messages").get<std::uint64_t>();
    for (const json& type : queue.at("types")) {
        for (const auto& [place, messages] : type.at("waiting").items())
            sum += messages.get<std::uint64_t>();
    }
    return sum;
}

std::uint64_t total(const json& queue, const std::vector<const char*>& fields) {
    std::uint64_t sum = 0;
    for (const json& type : queue.at("types")) {
        for (const char* field : fields)
            sum += type.at(field).get<std::uint64_t>();
    }
    return sum;
}

json account_of(const DaemonProcess& daemon) {
    const Run status = daemon.myq({"status", "--json"});
    if (status.exit_code != 0) return nullptr;
    return json::parse(status.out).at("queues").at(0);
}

}  // namespace

void Checker::wait_for_work_to_end() {
    const auto moved = [&] { return handled() + repeated(); };
    const auto is_over = [&] {
        const json account = account_of(daemon_);
        if (account.is_null()) return false;
        waiting_ = waiting(account);
        return waiting_ == 0;
    };
    // What can be seen for nothing, until it is still; then the daemon is asked. What was lost
    // would never be handled, but nor does it wait: twice, since a message may be on its way
    // meanwhile.
    std::uint64_t before = 0;
    int still = 0;
    in_the_end(
        [&] {
            if (unsettled() == 0) return true;
            const std::uint64_t now = moved();
            still = now == before ? still + 1 : 0;
            before = now;
            return still > 0 && still % 50 == 0 && is_over() && is_over() && moved() == before;
        },
        moved);
    in_the_end(is_over, moved);
    read_dead();
}

std::size_t Checker::count_lost() {
    wait_for_work_to_end();
    return unsettled();
}

void Checker::read_dead() {
    std::istringstream lines(daemon_.myq({"dead", "list", "--all", "--json"}).out);
    for (std::string line; std::getline(lines, line);) {
        const json entry = json::parse(line);
        const std::string body = entry.value("body", "");
        std::size_t id = most_;
        std::from_chars(body.data(), body.data() + body.size(), id);
        if (id >= next_) {
            complain(fmt::format("I3: a message is dead that nobody sent: {}", line));
            continue;
        }
        dead_.insert(id);
    }
}

void Checker::check_each_message() {
    std::vector<std::size_t> lost;
    std::vector<std::size_t> invented;
    std::vector<std::size_t> needless;
    for (std::size_t id = 0; id < most_; ++id) {
        const bool is_sent = id < next_;
        if (!is_sent && times(id) > 0) invented.push_back(id);
        if (!is_sent) continue;
        if (is_owed(marks_[id]) && times(id) == 0 && !dead_.contains(id)) lost.push_back(id);
        if (marks_[id] == accepted_mark && dead_.contains(id)) needless.push_back(id);
    }
    if (lost.size() > waiting_) {
        complain(
            fmt::format("I1: {} of {} accepted messages are neither handled nor dead, and only "
                        "{} wait: {}",
                        lost.size(), count_accepted(), waiting_, some(lost)));
    } else if (!lost.empty()) {
        complain(fmt::format("I7: {} messages still wait, and nobody takes them: {}", lost.size(),
                             some(lost)));
    }
    if (!invented.empty()) {
        complain(fmt::format("I3: {} messages are handled that nobody sent: {}", invented.size(),
                             some(invented)));
    }
    if (!needless.empty()) {
        complain(fmt::format("I1: {} messages are dead for no reason of theirs: {}",
                             needless.size(), some(needless)));
    }
    if (repeated() > allowed_repeats_) {
        complain(fmt::format("I2: {} messages too often, and the kills allow {}", repeated(),
                             allowed_repeats_));
    }
}

// "sent = handled + dead + expired + dropped + waiting", exact whatever was killed.
void Checker::check_account() {
    const json account = account_of(daemon_);
    if (account.is_null()) return complain("I6: myq status fails");
    const std::uint64_t seen =
        waiting(account) + total(account, {"handled", "dead", "expired", "dropped", "refused"});
    std::size_t least = 0;
    for (std::size_t id = 0; id < next_; ++id)
        least += is_owed(marks_[id]) ? 1U : 0U;
    if (seen < least || seen > next_) {
        complain(fmt::format("the account says {} messages, sent were {} to {} ({} handled, {} "
                             "dead): {}",
                             seen, least, next_.load(), handled(), dead_.size(), account.dump()));
    }
}

void Checker::check_what_is_left() {
    if (!eventually([] { return run({"pgrep", "-x", "myqd"}).out.empty(); }))
        complain("I5: a process is left: " + run({"pgrep", "-ax", "myqd"}).out);
    if (daemon_.status().exit_code != 3)
        complain("I5: after the stop the pid file says: " + daemon_.status().out);
    // In a directory of root's: the daemon, which is root no more, may not remove them.
    const std::set<std::string> known{"myqd.lock",      "myqd.pid",      "control",
                                      "slots",          "journal.db",    "journal.lock",
                                      "journal.db-wal", "journal.db-shm"};
    for (const fs::path& directory : {daemon_.dir() / "run", daemon_.journal_dir()}) {
        for (const std::string& name : entries(directory)) {
            if (!known.contains(name))
                complain(fmt::format("I5: {} is left in {}", name, directory.string()));
        }
    }
    if (const std::size_t queues = MessageQueue::list().size(); queues > 1 + own_queues_)
        complain(fmt::format("I5: {} queues are left in place of {}", queues, 1 + own_queues_));
    if (count_objects("/proc/sysvipc/shm") + count_objects("/proc/sysvipc/sem") > 0)
        complain("I5: shared memory or a semaphore is left");
}

}  // namespace myq::test
