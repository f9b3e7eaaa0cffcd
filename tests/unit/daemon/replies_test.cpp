#include "daemon/outcomes.hpp"
#include "daemon/replies.hpp"
#include "daemon/unix/clock.hpp"
#include "ipc/blob.hpp"
#include "ipc/reply_queue.hpp"
#include "ipc/shared_memory.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/journal_dir.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/sender.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/test_log.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

TEST_SUITE("replies") {

using namespace myq;
using namespace myq::test;

namespace {

using Status = Reply::Status;

std::span<const std::byte> raw(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// A caller, who reads what it is told one after the other.
struct Caller {
    ReplyAddress address(std::uint64_t sequence = 1) const {
        return {queue.id(), queue.token(), sequence};
    }
    void have_room_for(std::uint64_t bytes) const {
        MessageQueue::from_id(queue.id())
            .set({.uid = {}, .gid = {}, .mode = {}, .capacity = bytes});
    }

    // The next, which must say that the reply lies in shared memory: the reply.
    std::string large() const {
        const std::optional<Message> answer = queue.receive(Wait::no);
        REQUIRE(answer);
        const auto reply = decode_reply(answer->body);
        REQUIRE(reply->large);
        CHECK(reply->second == reply->large->size);
        std::optional<IncomingBlob> blob;
        REQUIRE(IncomingBlob::open_reply(*reply->large, ::geteuid(), ::geteuid(), blob) ==
                BlobError::none);
        std::string whole(blob->size(), '\0');
        CHECK(blob->copy(std::as_writable_bytes(std::span(whole))));
        blob->remove();
        return whole;
    }

    // "done 1 0/5 text|hello"; "" for nothing.
    std::string next() const {
        const std::optional<Message> answer = queue.receive(Wait::no);
        if (!answer) return "";
        const auto reply = decode_reply(answer->body);
        if (!reply) return "no reply";
        return std::string(name(reply->status)) + " " + std::to_string(reply->sequence) + " " +
               std::to_string(reply->first) + "/" + std::to_string(reply->second) + " " +
               std::string(reply->text) + "|" + text({reply->part.begin(), reply->part.end()});
    }

    ReplyQueue queue{::geteuid()};
    MessageId id = MessageId::random();
};

// A worker's end of messages that were called, in memory and from the journal.
struct Desk {
    explicit Desk(const Envelope& envelope) {
        queue.name = "jobs";
        policy.attempts = 2;
        receive(slot, 7, text(encode_envelope(envelope)));
    }

    KeptLog log;
    RunDir run;
    JournalDir journal;
    JournalPlace place = journal.place();
    SlotFile file{run.path(), "jobs.0", 10'000};
    Slot slot{file};
    QueueConfig queue;
    RetryConfig policy;
    DueBell bell{DueBell::never};
    JournalAccess access{place};
    Outcomes outcomes{queue, slot, access, bell};
};

Envelope called(const Caller& caller) {
    Envelope envelope;
    envelope.id = caller.id;
    envelope.reply = caller.address();
    return envelope;
}

}  // namespace

TEST_CASE("what a handler replies is sent at the end, in one, and forgotten with each attempt") {
    const Caller caller;
    Replies replies;
    replies.begin(caller.address(), caller.id);
    CHECK(replies.collect(raw("of an attempt that fails")));
    replies.begin(caller.address(), caller.id);
    CHECK(replies.collect(raw("hel")));
    CHECK(replies.collect(raw("lo")));
    CHECK(caller.next() == "");
    replies.end_with_reply(Status::done, {});
    CHECK(caller.next() == "done 1 0/5 |hello");
    replies.end_with_reply(Status::done, {});  // that was it
    CHECK(caller.next() == "");
}

TEST_CASE("nothing is kept or told where nobody asked") {
    const Caller caller;
    Replies replies;
    replies.begin(caller.address(), caller.id);
    replies.begin(std::nullopt, caller.id);
    CHECK(replies.collect(std::vector<std::byte>(Replies::least_kept + 1)));
    replies.progress(1, 2, "half");
    replies.end_with_reply(Status::done, {});
    replies.tell(std::nullopt, caller.id, Status::dead, "dead");
    CHECK(caller.next() == "");
}

TEST_CASE("a long reply goes out in parts, all of them, or lies in shared memory") {
    std::ofstream("/proc/sys/kernel/msgmnb") << "65536\n";
    const std::string whole(20'000, 'x');
    const Caller caller;
    Replies replies;
    const auto reply = [&] {
        replies.begin(caller.address(), caller.id);
        CHECK(replies.collect(raw(whole)));
        replies.end_with_reply(Status::done, {});
    };
    caller.have_room_for(20'000 + 3 * reply_overhead - 1);
    reply();
    CHECK(caller.large() == whole);
    CHECK(caller.next() == "");
    caller.have_room_for(20'000 + 3 * reply_overhead);
    reply();
    CHECK(caller.next() == "done 1 0/20000 |" + std::string(8120, 'x'));
    CHECK(caller.next() == "done 1 8120/20000 |" + std::string(8120, 'x'));
    CHECK(caller.next() == "done 1 16240/20000 |" + std::string(3760, 'x'));
    CHECK(caller.next() == "");
}

TEST_CASE("of a reply that is longer than is kept nothing is sent, but how long it was") {
    const Caller caller;
    Replies replies;
    replies.begin(caller.address(), caller.id);
    CHECK(replies.collect(std::vector<std::byte>(Replies::least_kept)));
    CHECK_FALSE(replies.collect(raw("x")));
    CHECK_FALSE(replies.collect(raw("y")));
    replies.end_with_reply(Status::done, {});
    CHECK(caller.next() ==
          "cut 1 0/1048578 its reply of 1048578 bytes has no room in the caller's queue|");
    CHECK(SharedMemory::list().empty());
    // Why it was rejected is worth more than what it replied.
    replies.begin(caller.address(), caller.id);
    replies.collect(std::vector<std::byte>(Replies::least_kept));
    replies.end_with_reply(Status::rejected, "broken");
    CHECK(caller.next() == "rejected 1 0/0 broken|");
}

TEST_CASE("a reply may be as long as max_body, and its memory is gone if nobody is told") {
    constexpr std::size_t most = 3 * Replies::least_kept;
    const Caller caller;
    Replies replies(most);
    const auto reply = [&] {
        replies.begin(caller.address(), caller.id);
        CHECK(replies.collect(std::vector<std::byte>(most, std::byte{'x'})));
        replies.end_with_reply(Status::done, {});
    };
    reply();
    CHECK(caller.large() == std::string(most, 'x'));
    CHECK(SharedMemory::list().empty());
    caller.have_room_for(50);
    reply();
    CHECK(caller.next() == "");
    CHECK(SharedMemory::list().empty());
    caller.have_room_for(1000);
    std::ofstream("/proc/sys/kernel/shmmax") << 100'000;
    reply();
    const std::string told = caller.next();
    CHECK_MESSAGE(told.starts_with("cut 1 0/3145728 its reply of 3145728 bytes has no room in the "
                                   "caller's queue, and elsewhere: "),
                  told);
    replies.begin(ReplyAddress{2'000'000'000, 7, 1}, caller.id);
    CHECK(replies.collect(std::vector<std::byte>(most)));
    replies.end_with_reply(Status::done, {});
    CHECK(SharedMemory::list().empty());
}

TEST_CASE("nobody who names the queue of another caller has anything written or kept there") {
    const Caller caller;
    Replies replies;
    const ReplyAddress stolen{caller.queue.id(), caller.queue.token() ^ 2, 1};
    for (const std::size_t size : {std::size_t{1}, Replies::least_kept}) {
        replies.begin(stolen, caller.id);
        replies.progress(1, 2, "progress");
        CHECK(replies.collect(std::vector<std::byte>(size)));
        replies.end_with_reply(Status::done, {});
    }
    replies.tell(stolen, caller.id, Status::dead, "dead");
    CHECK(MessageQueue::from_id(caller.queue.id()).stat_any().messages == 1);  // the proof
    CHECK(SharedMemory::list().empty());
}

TEST_CASE("replies that are not fetched get so much of the machine's memory, and no more") {
    const Caller caller;
    Replies replies;
    const auto reply = [&] {
        replies.begin(caller.address(), caller.id);
        CHECK(replies.collect(std::vector<std::byte>(Replies::least_kept, std::byte{'x'})));
        replies.end_with_reply(Status::done, {});
    };
    const SharedMemory others =
        SharedMemory::create(QueueKey::private_queue(), largest_blob - Replies::least_kept, 0600);
    reply();
    CHECK(caller.large() == std::string(Replies::least_kept, 'x'));
    const SharedMemory another = SharedMemory::create(QueueKey::private_queue(), 1, 0600);
    reply();
    CHECK(caller.next() ==
          "cut 1 0/1048576 its reply of 1048576 bytes has no room in the caller's queue|");
    others.remove();
    another.remove();
}

TEST_CASE("progress is told now and then, and never where an end would have no room after it") {
    const Caller caller;
    Replies replies;
    replies.begin(caller.address(), caller.id);
    for (int i = 1; i <= 1000; ++i)
        replies.progress(1, 1000, "first");
    CHECK(caller.next() == "progress 1 1/1000 first|");
    // On a slow machine a thousand of them may take longer than the pause between two.
    while (caller.next() != "")
        continue;
    caller.have_room_for(longest_answer + reply_overhead);
    replies.begin(caller.address(), caller.id);
    replies.progress(0, 0, "x");  // one byte too long
    CHECK(caller.next() == "");
    replies.begin(caller.address(), caller.id);
    replies.progress(0, 0, {});
    CHECK(caller.next() == "progress 1 0/0 |");
    replies.begin(caller.address(), caller.id);
    replies.progress(0, 0, std::string(Replies::longest_text + 1, 'x'));
    CHECK(caller.next() == "");
}

TEST_CASE("a caller whose queue is full, gone or none is left alone") {
    const Caller caller;
    Replies replies;
    caller.have_room_for(10);
    replies.begin(caller.address(), caller.id);
    replies.collect(raw("x"));
    replies.end_with_reply(Status::done, {});
    CHECK(caller.next() == "");
    const ScratchQueue strangers;
    strangers.set({.uid = {}, .gid = {}, .mode = 0666, .capacity = {}});
    replies.begin(ReplyAddress{strangers.id(), 7, 1}, caller.id);
    replies.end_with_reply(Status::done, {});
    CHECK(strangers.stat().messages == 0);
    replies.begin(ReplyAddress{2'000'000'000, 7, 1}, caller.id);
    replies.end_with_reply(Status::done, {});
}

TEST_CASE("the caller hears of each failure and of the end, also through the journal") {
    const Caller caller;
    Desk desk(called(caller));
    desk.policy.delay = std::chrono::milliseconds{0};
    desk.slot.begin_attempt(0);
    CHECK(desk.outcomes.failed(take_in_hand(desk.slot), 0, desk.policy, "no luck", {}));
    CHECK(caller.next().starts_with("retrying 1 1/1"));
    // As a journal worker finds it.
    desk.access.use([&](Journal& journal) {
        journal.transact(Survives::kill, [&] {
            journal.claim(journal.queue_number("jobs"), Selector::any(), desk.slot.identity(),
                          wall_clock_ms() + 1'000, 1, [&](const DueMessage& due) {
                              REQUIRE(due.reply);
                              desk.slot.load(
                                  due.row, due.type, due.attempts, due.id.bytes, 0, due.body,
                                  {due.reply->queue_id, due.reply->token, due.reply->sequence});
                          });
        });
    });
    desk.slot.begin_attempt(0);
    const InHand again = take_in_hand(desk.slot);
    REQUIRE(again.reply);
    CHECK(desk.outcomes.failed(again, 0, desk.policy, "none again", {}));
    CHECK(caller.next() == "dead 1 0/0 2 attempts; the last one: none again|");
    CHECK(caller.next() == "");
}

TEST_CASE("who is killed between the journal and the caller has a successor that tells the end") {
    const Caller caller;
    Desk desk(called(caller));
    desk.policy.attempts = 1;
    desk.slot.begin_attempt(0);
    std::string before = image_of(desk.file);
    CHECK(desk.outcomes.failed(take_in_hand(desk.slot), 0, desk.policy, "no luck", {}));
    CHECK(caller.next() == "dead 1 0/0 1 attempt; the last one: no luck|");
    // As it was, but for what it had noted of its write and of the failure.
    const std::string after = image_of(desk.file);
    constexpr std::size_t written = offsetof(SlotHeader, written_sequence);
    restore(desk.file, before.replace(written, slot_header_size - written, after, written,
                                      slot_header_size - written));
    desk.slot.note_failure(0, "no luck");
    REQUIRE(desk.slot.occupied());
    CHECK(desk.outcomes.settle_written(0));
    CHECK(!desk.slot.occupied());
    CHECK(caller.next() == "dead 1 0/0 no luck|");
    CHECK(caller.next() == "");
}

TEST_CASE("a caller whose message is not taken, or broken, or too late, is told so") {
    const Caller caller;
    Envelope unique = called(caller);
    unique.unique_key = "key";
    {
        Desk desk(unique);
        CHECK(desk.outcomes.journaled(take_in_hand(desk.slot), 0));
        CHECK(caller.next() == "");
        receive(desk.slot, 7, text(encode_envelope(unique)));
        CHECK(desk.outcomes.journaled(take_in_hand(desk.slot), 0));
        CHECK(caller.next() ==
              "refused 1 0/0 one with its unique key is waiting or at work already|");
        receive(desk.slot, 7, text(encode_envelope(called(caller))));
        desk.outcomes.expired(take_in_hand(desk.slot), 0);
        CHECK(caller.next() == "expired 1 0/0 its time was over before it was handled|");
    }
    Envelope answer = called(caller);
    answer.kind = EnvelopeKind::reply;
    Desk desk(answer);
    CHECK(desk.outcomes.broken(take_in_hand(desk.slot), 0));
    CHECK(caller.next() == "dead 1 0/0 broken envelope: it is an answer, not a message|");
}

}  // TEST_SUITE("replies")
