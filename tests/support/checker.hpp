#pragma once

#include "ipc/message_queue.hpp"
#include "tests/support/daemon_process.hpp"
#include "tests/support/ledger.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace myq::test {

// Knows every message that a test has sent, and holds the daemon to its promises: asks the ledger,
// the daemon's own account, its dead and the machine what became of each, and has one sentence for
// every promise that was broken. The handler of every type must be the plugin `ledger`, on file().
//
// What is sent may be sent from any thread; everything else is for one.
class Checker {
public:
    static const char* file() { return "/mnt/ledger"; }

    // For at most `messages` messages and a few probes, to the queue of `daemon`, which must
    // outlive the checker.
    Checker(const DaemonProcess& daemon, std::size_t messages);

    // What may become of a message besides being handled once.
    enum class Fate : std::uint8_t {
        once,    // nothing
        again,   // told to fail: it is tried again, or dead
        forgone  // it may be lost: its queue was removed, or it was sent to be refused
    };

    // A number for the next message. It counts as sent from now on.
    std::size_t next(Fate fate = Fate::once);
    void accepted(std::size_t id);     // msgsnd(2) has returned, or `myq send` has
    void may_be_lost(std::size_t id);  // its queue is removed while it waits
    // Sends "ID" or "ID:COMMAND" and waits for room. False if it was not accepted: the queue is
    // gone, or a signal came.
    bool send(const MessageQueue& queue, std::int64_t type, std::string_view command = {},
              Fate fate = Fate::once);

    std::uint64_t times(std::size_t id) const { return ledger_.times(id); }
    std::size_t sent() const { return next_; }
    std::size_t count_accepted() const;
    std::size_t handled() const;

    // Every kill may repeat one message, and a reader who dies at one may too.
    void allow_repeats(std::uint64_t count) { allowed_repeats_ += count; }
    std::uint64_t allowed_repeats() const { return allowed_repeats_; }
    std::uint64_t repeated() const;

    // The daemon's own account begins with its slots and its journal: not checked where a test
    // takes them away.
    void forget_the_account() { account_holds_ = false; }

    // At the end so many queues of the test's own may still be there.
    void may_leave_queues(std::size_t count) { own_queues_ = count; }

    // A message sent now is handled: false, and a sentence in conclude(), if not.
    bool probe();

    // Waits until nothing is left to be done, and says how many accepted messages became nothing.
    // Nothing may be sent meanwhile.
    std::size_t count_lost();

    // Starts the daemon if it is not running, waits until nothing is left to be done, stops it, and
    // says what was broken. Nothing may be sent meanwhile.
    std::vector<std::string> conclude();

private:
    void wait_for_work_to_end();
    std::size_t unsettled() const;
    void read_dead();
    void check_each_message();
    void check_account();
    void check_what_is_left();
    void complain(std::string sentence) { violations_.push_back(std::move(sentence)); }

    const DaemonProcess& daemon_;
    std::size_t most_;
    Ledger ledger_;
    std::unique_ptr<std::atomic<std::uint8_t>[]> marks_;
    std::atomic<std::size_t> next_ = 0;
    std::uint64_t allowed_repeats_ = 0;
    bool account_holds_ = true;
    std::size_t own_queues_ = 0;
    std::set<std::size_t> dead_;
    std::uint64_t waiting_ = 0;  // as the daemon says
    std::vector<std::string> violations_;
};

}  // namespace myq::test
