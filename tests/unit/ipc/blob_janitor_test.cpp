#include "ipc/blob.hpp"
#include "ipc/blob_head.hpp"
#include "ipc/blob_janitor.hpp"
#include "ipc/reply.hpp"
#include "ipc/reply_queue.hpp"
#include "tests/unit/ipc/envelope_bytes.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"
#include "tests/unit/ipc/user_process.hpp"

#include <doctest/doctest.h>

#include <sys/shm.h>

#include <chrono>
#include <optional>
#include <set>

TEST_SUITE("blob_janitor") {

using namespace myq;
using namespace myq::test;
using namespace std::chrono_literals;

namespace {

constexpr uid_t daemon_user = 950;
constexpr uid_t sender = 951;
constexpr key_t queue_key = 0x6d797101;

bool exists(int id) {
    shmid_ds ds{};
    return shmctl(id, SHM_STAT_ANY, &ds) == id;
}

// A blob that was sent, or seems so.
BlobReference sent_blob() {
    OutgoingBlob blob(daemon_user, queue_key, bytes("body"));
    blob.sent();
    return blob.reference();
}

Bytes message_of(const BlobReference& blob) {
    Envelope envelope;
    envelope.kind = EnvelopeKind::blob;
    envelope.blob = blob;
    envelope.unique_key = "a key";
    return encode_envelope(envelope);
}

enum class Begun { made, attached, with_magic, with_head, something_else };

int make_unfinished(const auto& tell, Begun begun) {
    const SharedMemory segment =
        SharedMemory::create(QueueKey::private_queue(), 100, unfinished_blob_mode);
    if (begun == Begun::made) tell(segment.id());
    const AttachedMemory memory = segment.attach(Access::read_write);
    if (begun >= Begun::with_magic) write_blob_head(memory.writable_bytes(), {queue_key, {}, 36});
    if (begun == Begun::with_magic) memory.writable_bytes()[8] = std::byte{0};
    if (begun == Begun::something_else) memory.writable_bytes()[0] = std::byte{1};
    tell(segment.id());
    return 0;
}

// A caller of the daemon's, which waits, and a reply for it that nobody has attached.
struct Callee {
    BlobReference large() const {
        OutgoingBlob blob(OutgoingBlob::ReplyTo{caller, queue.id()}, bytes("body"));
        blob.sent();
        return blob.reference();
    }
    void tell(const BlobReference& reference) const {
        Reply news{1, Reply::Status::cut, "cut", 0, reference.size, {}};
        news.large = reference;
        REQUIRE(send_reply(queue.id(), self, queue.token(), encode_reply(news, {})) ==
                ReplyStatus::sent);
    }

    uid_t self = geteuid();
    uid_t caller = 952;
    ReplyQueue queue{self};
};

}  // namespace

TEST_CASE("A blob that its sender still holds is none of the janitor's business") {
    Maker maker(sender, [](const auto& tell) {
        const OutgoingBlob blob(daemon_user, queue_key, bytes("body"));
        tell(blob.reference().segment_id);
        return 0;
    });
    CHECK(unattached_blobs(daemon_user).empty());
    maker.kill();
    const auto blobs = unattached_blobs(daemon_user);
    REQUIRE(blobs.size() == 1);
    CHECK(blobs[0].segment_id == maker.id());
    CHECK(blobs[0].queue == queue_key);
    CHECK(unattached_blobs(sender).empty());
    CHECK(remove_unreferenced(blobs[0], daemon_user, 1h, 0s));
    CHECK(!exists(maker.id()));
}

TEST_CASE("Segments that are no blobs are left alone") {
    const auto made = [](uid_t uid, mode_t mode, bool with_head) {
        const SharedMemory segment = SharedMemory::create(QueueKey::private_queue(), 100, 0600);
        if (with_head) {
            const AttachedMemory memory = segment.attach(Access::read_write);
            write_blob_head(memory.writable_bytes(), {queue_key, {}, 36});
        }
        segment.set({.uid = uid, .gid = {}, .mode = mode});
        return segment;
    };
    made(daemon_user, 0600, false);
    made(daemon_user, 0640, true);
    made(sender, 0600, true);
    made(sender, 0700, true);
    CHECK(unattached_blobs(daemon_user).empty());
    made(daemon_user, 0700, true).remove();
    const SharedMemory blob = made(daemon_user, 0600, true);
    REQUIRE(unattached_blobs(daemon_user).size() == 1);
    // Not the same any more.
    UnattachedBlob other = unattached_blobs(daemon_user)[0];
    other.token.fill(std::byte{3});
    CHECK(!remove_unreferenced(other, daemon_user, 1h, 0s));
    CHECK(exists(blob.id()));
}

TEST_CASE("A blob goes when no message of it was found for the whole of the patience") {
    const BlobReference reference = sent_blob();
    const UnattachedBlob blob = unattached_blobs(daemon_user).at(0);
    CHECK(blob.token == reference.token);
    CHECK(!remove_unreferenced(blob, daemon_user, 1000s, 60s));
    CHECK(!remove_unreferenced(blob, daemon_user, 1059s, 60s));
    keep_referenced(blob, daemon_user);
    CHECK(!remove_unreferenced(blob, daemon_user, 1060s, 60s));
    CHECK(!remove_unreferenced(blob, daemon_user, 1119s, 60s));
    CHECK(remove_unreferenced(blob, daemon_user, 1120s, 60s));
    CHECK(!exists(reference.segment_id));
    CHECK(!remove_unreferenced(blob, daemon_user, 1120s, 0s));
    keep_referenced(blob, daemon_user);
}

TEST_CASE("A note from before the boot, or of a hostile maker, counts from now on") {
    sent_blob();
    const UnattachedBlob blob = unattached_blobs(daemon_user).at(0);
    CHECK(!remove_unreferenced(blob, daemon_user, 1000h, 60s));
    CHECK(!remove_unreferenced(blob, daemon_user, 1000s, 60s));
    CHECK(remove_unreferenced(blob, daemon_user, 1060s, 60s));
}

TEST_CASE("What waits in a queue, or lies anywhere in a slot, is found") {
    const BlobReference one = sent_blob();
    const BlobReference two = sent_blob();
    const ScratchQueue queue(MessageQueue::create(QueueKey::from_text("0x6d797101"), 0600));
    std::set<BlobToken> tokens;
    CHECK(find_blob_tokens(queue, tokens));
    CHECK(tokens.empty());
    REQUIRE(queue.send(1, bytes("raw"), Wait::no) == SendStatus::sent);
    REQUIRE(queue.send(2, message_of(one), Wait::no) == SendStatus::sent);
    REQUIRE(queue.send(3, with_options(""), Wait::no) == SendStatus::sent);
    CHECK(find_blob_tokens(queue, tokens));
    CHECK(tokens == std::set{one.token});
    CHECK(queue.stat_any().messages == 3);

    Bytes slot(5000, std::byte{0xFF});
    std::ranges::copy(message_of(two), slot.begin() + 1001);
    std::ranges::copy(message_of(one), slot.begin() + 3000);
    tokens.clear();
    find_blob_tokens(slot, tokens);
    CHECK(tokens == std::set{one.token, two.token});
    // Every beginning of a message: nothing is read behind its end.
    const Bytes whole = message_of(one);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const AtTheEdge cut{std::span(whole).first(size)};
        tokens.clear();
        find_blob_tokens(cut.bytes(), tokens);
        CHECK(tokens.empty());
    }
}

TEST_CASE("A queue that cannot be looked through is no proof of anything") {
    const ScratchQueue queue(MessageQueue::create(QueueKey::from_text("0x6d797101"), 0600));
    REQUIRE(queue.send(1, bytes("raw"), Wait::no) == SendStatus::sent);
    std::set<BlobToken> tokens;
    CHECK(as_user(sender, [&] { return find_blob_tokens(queue, tokens) ? 1 : 0; }) == 0);
    queue.remove();
    CHECK(find_blob_tokens(queue, tokens));
}

TEST_CASE("What a killed maker had not given away goes, nothing else of its user does") {
    const auto maker = [](Begun begun) {
        return [=](const auto& tell) { return make_unfinished(tell, begun); };
    };
    Maker made(sender, maker(Begun::made));
    Maker attached(sender, maker(Begun::attached));
    Maker with_magic(sender, maker(Begun::with_magic));
    Maker with_head(sender, maker(Begun::with_head));
    Maker something_else(sender, maker(Begun::something_else));
    Maker alive(sender, maker(Begun::made));
    CHECK(remove_unfinished_blobs(sender) == 0);
    for (Maker* one : {&made, &attached, &with_magic, &with_head, &something_else})
        one->kill();
    CHECK(as_user(daemon_user, [] { return remove_unfinished_blobs(daemon_user); }) == 0);
    CHECK(as_user(sender, [] { return remove_unfinished_blobs(sender); }) == 4);
    for (const Maker* one : {&made, &attached, &with_magic, &with_head})
        CHECK(!exists(one->id()));
    CHECK(exists(something_else.id()));
    CHECK(exists(alive.id()));
}

TEST_CASE("The memory of a reply is no message's, and is judged by the queue that it is for") {
    std::optional<Callee> callee(std::in_place);
    const uid_t self = callee->self;
    const BlobReference reference = callee->large();
    CHECK(unattached_blobs(self).empty());
    CHECK(unattached_blobs(callee->caller).empty());
    CHECK(unattached_replies(callee->caller).empty());
    CHECK(unfetched_replies(self, callee->caller) >= 64 + 4);
    CHECK(unfetched_replies(self, 1) == 0);
    const auto replies = unattached_replies(self);
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].segment_id == reference.segment_id);
    CHECK(replies[0].token == reference.token);
    CHECK(news_of(replies[0], self) == ReplyNews::none);
    callee->tell(reference);
    CHECK(news_of(replies[0], self) == ReplyNews::waits);
    CHECK(callee->queue.receive(Wait::no));
    CHECK(news_of(replies[0], self) == ReplyNews::none);
    // Whoever took its queue back does not keep us from clearing up.
    callee->tell(reference);
    MessageQueue::from_id(callee->queue.id())
        .set({.uid = callee->caller, .gid = {}, .mode = {}, .capacity = {}});
    CHECK(news_of(replies[0], self) == ReplyNews::none);
    callee.reset();
    CHECK(news_of(replies[0], self) == ReplyNews::no_more);
    CHECK(!remove_unreferenced(replies[0], self, 1000s, 60s));
    CHECK(!remove_unreferenced(replies[0], self, 1059s, 60s));
    CHECK(remove_unreferenced(replies[0], self, 1060s, 60s));
    CHECK(!exists(reference.segment_id));
}

TEST_CASE("A reply that its caller has attached is none of the janitor's business") {
    const Callee callee;
    const BlobReference reference = callee.large();
    Maker caller(callee.caller, [&](const auto& tell) {
        std::optional<IncomingBlob> blob;
        const BlobError error =
            IncomingBlob::open_reply(reference, callee.self, callee.caller, blob);
        tell(static_cast<int>(error));
        return 0;
    });
    REQUIRE(caller.id() == static_cast<int>(BlobError::none));
    CHECK(unattached_replies(callee.self).empty());
    caller.kill();
    CHECK(unattached_replies(callee.self).size() == 1);
    SharedMemory::from_id(reference.segment_id).remove();
}

TEST_CASE("What a killed worker had begun for a caller and not given away goes") {
    Maker worker(daemon_user, [](const auto& tell) {
        const SharedMemory segment =
            SharedMemory::create(QueueKey::private_queue(), 100, unfinished_blob_mode);
        const AttachedMemory memory = segment.attach(Access::read_write);
        write_blob_head(memory.writable_bytes(), {17, {}, 36, BlobUse::reply});
        tell(segment.id());
        return 0;
    });
    worker.kill();
    CHECK(as_user(daemon_user, [] { return remove_unfinished_blobs(daemon_user); }) == 1);
    CHECK(!exists(worker.id()));
}

}  // TEST_SUITE("blob_janitor")
