#include "tests/faults/power_cut.hpp"

#include "tests/faults/processes.hpp"
#include "tests/faults/scale.hpp"
#include "tests/support/run.hpp"

#include <fmt/format.h>

#include <pwd.h>
#include <time.h>
#include <unistd.h>

#include <charconv>
#include <stdexcept>

namespace myq::test {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t senders = 3;
constexpr std::size_t each = 4'000;  // messages of one sender until the cut, at most
constexpr std::size_t most_cuts = 100;

bool is_refused_by_its_handler(std::size_t id) {
    return id % 8 == 1;
}

Wish wish_for(std::size_t id) {
    if (is_refused_by_its_handler(id)) return {"reject", {}, Checker::Fate::again};
    if (id % 4 == 0) return {{}, 1'000, Checker::Fate::once};
    return {};
}

// As who may read the journal.
class AsService {
public:
    AsService() { become(::getpwnam("myq")->pw_uid); }
    ~AsService() { become(0); }
    AsService(const AsService&) = delete;
    AsService& operator=(const AsService&) = delete;

private:
    static void become(uid_t user) {
        if (::seteuid(user) != 0) std::abort();
    }
};

}  // namespace

PowerCuts::PowerCuts()
    : stage({.messages = most_cuts * senders * each, .durability = "journal"}),
      disk_(stage.daemon.journal_dir(), std::uint64_t{256} << 20U),
      random_(seed()) {
    stage.checker.forget_the_account();  // it begins with slots and tallies that were not kept
}

std::vector<std::string> PowerCuts::cut() {
    const Run start = stage.daemon.start();
    if (start.exit_code != 0) return {"the daemon does not start: " + start.err};
    ConfirmedSenders load(stage.daemon.queue(), stage.checker, {each, senders, wish_for});
    const std::size_t enough = 1 + random_() % (senders * each / 2);
    const bool came = eventually([&] { return load.answered(ConfirmStatus::accepted) >= enough; });
    const timespec pause{0, static_cast<long>(random_() % 2'000'000)};
    ::nanosleep(&pause, nullptr);
    auto broken = cut(load);
    if (!came) broken.push_back(fmt::format("fewer than {} messages were confirmed", enough));
    return broken;
}

// Where the power is really cut, nobody lives to confirm anything after it. Here the intake does,
// for a moment; and an fdatasync(2) that was under way when ext4 was shut down may return 0
// although what it was to flush is lost (seen with Linux 6.18 in 18 of 300 cuts, without myq).
std::vector<std::string> PowerCuts::cut(ConfirmedSenders& load) {
    load.doubt();
    disk_.cut_power();
    kill_every_process();
    stage.daemon.queue().remove();
    load.stop();
    const auto confirmed = load.confirmed();
    confirmed_.insert(confirmed_.end(), confirmed.begin(), confirmed.end());
    forget_what_no_disk_keeps();
    disk_.come_back();
    // What was handled, and the end of its row not flushed, is handled again.
    stage.checker.allow_repeats(stage.checker.sent());
    return look();
}

void PowerCuts::forget_what_no_disk_keeps() const {
    fs::remove_all(stage.daemon.dir() / "run");
    fs::create_directory(stage.daemon.dir() / "run");
    for (const auto& entry : fs::directory_iterator("/dev/shm"))
        fs::remove_all(entry.path());
}

// In a copy: the daemon is to be the first that opens the journal.
std::vector<std::string> PowerCuts::look() const {
    const fs::path copy = "/mnt/copy-of-the-journal";
    fs::remove_all(copy);
    const Run copied = run({"cp", "-a", disk_.path(), copy});
    if (copied.exit_code != 0) return {copied.err};
    try {
        const auto journal = open_journal(copy);
        std::vector<std::string> broken;
        if (const std::string damage = journal->check(); !damage.empty())
            broken.push_back("the journal is damaged: " + damage);
        std::set<std::size_t> there;
        journal->list({}, 0, [&](const JournalEntry& entry) {
            const char* begin = reinterpret_cast<const char*>(entry.body.data());
            std::size_t id = 0;
            std::from_chars(begin, begin + entry.body.size(), id);
            there.insert(id);
        });
        const std::string missing = missing_from(there);
        if (!missing.empty()) broken.push_back(missing);
        return broken;
    } catch (const JournalError& e) {
        return {std::string("the journal cannot be read: ") + e.what()};
    }
}

std::unique_ptr<Journal> PowerCuts::open_journal(const fs::path& directory) {
    const AsService service;
    auto journal = std::make_unique<Journal>(directory, JournalLimits{}, false);
    journal->counts(0);  // SQLite opens the rest of its files at the first question
    return journal;
}

std::string PowerCuts::missing_from(const std::set<std::size_t>& journal) const {
    std::size_t missing = 0;
    for (const std::size_t id : confirmed_) {
        const bool is_over = stage.checker.times(id) > 0 && !is_refused_by_its_handler(id);
        if (!is_over && !journal.contains(id)) ++missing;
    }
    if (missing == 0) return {};
    return fmt::format("{} of {} confirmed messages are neither handled nor in the journal",
                       missing, confirmed_.size());
}

}  // namespace myq::test
