#include "ipc/blob.hpp"
#include "ipc/blob_head.hpp"
#include "ipc/wire.hpp"
#include "tests/unit/ipc/envelope_bytes.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"
#include "tests/unit/ipc/user_process.hpp"

#include <doctest/doctest.h>

#include <sys/shm.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

TEST_SUITE("blob") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr uid_t daemon_user = 950;
constexpr uid_t sender = 951;
constexpr key_t queue_key = 0x6d797101;

std::string long_body(std::size_t size = 3'000'001) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        body[i] = static_cast<char>(i * 2654435761U >> 13U);
    return body;
}

BlobError open(const BlobReference& reference, uid_t self = daemon_user) {
    std::optional<IncomingBlob> blob;
    return IncomingBlob::open(reference, self, blob);
}

std::optional<std::string> taken(const BlobReference& reference, uid_t self = daemon_user) {
    std::optional<IncomingBlob> blob;
    if (IncomingBlob::open(reference, self, blob) != BlobError::none) return std::nullopt;
    std::string body(blob->size(), '\0');
    if (!blob->copy(std::as_writable_bytes(std::span(body)))) return std::nullopt;
    return body;
}

AttachedMemory writable(const BlobReference& reference) {
    return SharedMemory::from_id(reference.segment_id).attach(Access::read_write);
}

bool exists(int id) {
    shmid_ds ds{};
    return shmctl(id, SHM_STAT_ANY, &ds) == id;
}

// A segment as a hostile sender may make it: like a blob of this body, and then different.
struct Forged {
    explicit Forged(const std::string& body, mode_t mode = blob_mode, key_t key = IPC_PRIVATE)
        : segment(SharedMemory::create(key == IPC_PRIVATE ? QueueKey::private_queue()
                                                          : QueueKey::from_text("0x5e4e"),
                                       wire::blob_head_size + body.size(), mode)) {
        reference.segment_id = segment.id();
        reference.size = body.size();
        reference.token.fill(std::byte{7});
        const AttachedMemory memory = segment.attach(Access::read_write);
        write_blob_head(memory.writable_bytes(), {queue_key, reference.token, body.size()});
        const auto body_bytes = memory.writable_bytes().subspan(wire::blob_head_size);
        std::ranges::copy(bytes(body), body_bytes.begin());
        reference.checksum = ~wire::extend_crc(wire::crc_begin, body_bytes);
        segment.set({.uid = daemon_user, .gid = {}, .mode = mode});
    }
    ~Forged() { shmctl(segment.id(), IPC_RMID, nullptr); }
    Forged(const Forged&) = delete;
    Forged& operator=(const Forged&) = delete;

    SharedMemory segment;
    BlobReference reference;
};

}  // namespace

TEST_CASE("A blob is private, given to the daemon, and read there as it was sent") {
    const std::string body = long_body(18'000'001);
    // To the last byte of small pages and of huge ones, and between.
    for (const std::size_t size : {std::size_t{1}, std::size_t{4032}, std::size_t{3'000'001},
                                   (std::size_t{8} << 20U) - 64, body.size()}) {
        CAPTURE(size);
        const std::string part = body.substr(0, size);
        CHECK(as_user(sender, [&] {
                  OutgoingBlob blob(daemon_user, queue_key, bytes(part));
                  const auto stat = SharedMemory::from_id(blob.reference().segment_id).stat();
                  MUST(stat.key == IPC_PRIVATE);
                  MUST(stat.uid == daemon_user);
                  MUST(stat.creator_uid == sender);
                  MUST(stat.mode == 0600);
                  MUST(stat.attached == 1);
                  MUST(stat.size >= 64 + size && stat.size <= 64 + size + (2U << 20U));
                  const int read =
                      in_child([&] { return taken(blob.reference()) == part ? 0 : 1; });
                  MUST(read == 0);
                  return 0;
              }) == 0);
        CHECK(SharedMemory::list().empty());
    }
}

TEST_CASE("A blob whose message was not sent is gone with its sender, a sent one stays") {
    std::optional<OutgoingBlob> blob(std::in_place, daemon_user, queue_key, bytes("body"));
    const int unsent = blob->reference().segment_id;
    blob.reset();
    CHECK(!exists(unsent));
    blob.emplace(daemon_user, queue_key, bytes("body"));
    const BlobReference reference = blob->reference();
    blob->sent();
    blob.reset();
    CHECK(taken(reference) == "body");
    std::optional<IncomingBlob> incoming;
    REQUIRE(IncomingBlob::open(reference, daemon_user, incoming) == BlobError::none);
    incoming->remove();
    incoming->remove();
    incoming.reset();
    CHECK(!exists(reference.segment_id));
    CHECK(open(reference) == BlobError::gone);
}

TEST_CASE("A blob that cannot be made leaves nothing behind, and says why") {
    CHECK_THROWS_AS(OutgoingBlob(static_cast<uid_t>(-1), queue_key, bytes("body")), IpcError);
    CHECK(SharedMemory::list().empty());
    std::ofstream("/proc/sys/kernel/shmmax") << 100'000;
    try {
        const OutgoingBlob blob(daemon_user, queue_key, bytes(long_body()));
        FAIL("made");
    } catch (const IpcError& e) {
        CHECK(std::string(e.what()).find("kernel.shmmax, 100000") != std::string::npos);
    }
    std::ofstream("/proc/sys/kernel/shmall") << 10;
    const OutgoingBlob fits(daemon_user, queue_key, bytes(std::string(30'000, 'x')));
    try {
        const OutgoingBlob blob(daemon_user, queue_key, bytes(std::string(30'000, 'x')));
        FAIL("made");
    } catch (const IpcError& e) {
        CHECK(e.error() == ENOSPC);
    }
    CHECK(SharedMemory::list().size() == 1);
}

TEST_CASE("What the message says of its body must be true") {
    const Forged good("hello");
    CHECK(taken(good.reference) == "hello");
    BlobReference other = good.reference;
    other.segment_id = 2'000'000'000;
    CHECK(open(other) == BlobError::gone);
    for (const std::uint64_t size : {4U, 6U, 4096U}) {
        other = good.reference;
        other.size = size;
        CHECK(open(other) == BlobError::size);
    }
    for (const std::uint64_t size : {largest_blob + 1, UINT64_MAX, UINT64_MAX - 63}) {
        other.size = size;
        CHECK(open(other) == BlobError::too_large);
    }
    other = good.reference;
    other.token[15] = std::byte{8};
    CHECK(open(other) == BlobError::token);
    other = good.reference;
    other.checksum ^= 1U;
    CHECK(open(other) == BlobError::none);
    CHECK(!taken(other));
}

TEST_CASE("A segment that was not given to the daemon alone is not taken, whoever asks") {
    // root may read all of them, the daemon's user some.
    for (const uid_t self : {uid_t{0}, daemon_user}) {
        CAPTURE(self);
        const auto opened = [&](const Forged& forged) {
            return static_cast<BlobError>(as_user(
                self, [&] { return static_cast<int>(open(forged.reference, daemon_user)); }));
        };
        for (const mode_t mode : {0700U, 0620U, 0640U, 0602U, 0666U}) {
            CAPTURE(mode);
            CHECK(opened(Forged("hello", mode)) == BlobError::not_ours);
        }
        CHECK(opened(Forged("hello", 0600, 1)) == BlobError::not_ours);
        const Forged taken_back("hello");
        taken_back.segment.set({.uid = sender, .gid = {}, .mode = {}});
        CHECK(opened(taken_back) == BlobError::not_ours);
    }
}

TEST_CASE("A segment that is no blob is not taken") {
    const Forged good("hello");
    const AttachedMemory memory = writable(good.reference);
    for (const std::size_t at : {std::size_t{0}, std::size_t{7}, wire::blob_head::version_at}) {
        CAPTURE(at);
        std::byte& byte = memory.writable_bytes()[at];
        byte ^= std::byte{1};
        CHECK(open(good.reference) == BlobError::token);
        byte ^= std::byte{1};
    }
    CHECK(open(good.reference) == BlobError::none);
    const SharedMemory tiny = SharedMemory::create(QueueKey::private_queue(), 64, 0600);
    tiny.set({.uid = daemon_user, .gid = {}, .mode = {}});
    CHECK(open({tiny.id(), 0, 1, {}}) == BlobError::size);
    tiny.remove();
}

TEST_CASE("What counts is what was copied, however the sender changes it meanwhile") {
    const std::string body = long_body();
    const Forged forged(body);
    const AttachedMemory memory = writable(forged.reference);
    std::optional<IncomingBlob> blob;
    REQUIRE(IncomingBlob::open(forged.reference, daemon_user, blob) == BlobError::none);
    // Removed and changed under the reader's eyes.
    forged.segment.remove();
    std::vector<std::byte> copy(blob->size());
    CHECK(blob->copy(copy));
    memory.writable_bytes()[wire::blob_head_size + 5] ^= std::byte{1};
    CHECK(text(copy) == body);
    CHECK(!blob->copy(copy));
    const pid_t scribbler = fork_child([&] {
        for (std::uint64_t i = 0;; ++i)
            memory.writable_bytes()[wire::blob_head_size + i % body.size()] = std::byte(i);
        return 0;
    });
    for (int i = 0; i < 20; ++i) {
        const bool sound = blob->copy(copy);
        CHECK(sound == (~wire::extend_crc(wire::crc_begin, copy) == forged.reference.checksum));
    }
    kill(scribbler, SIGKILL);
    wait_for(scribbler);
}

TEST_CASE("Only the very segment that was meant is removed") {
    const Forged good("hello");
    BlobToken other = good.reference.token;
    other[0] = std::byte{1};
    remove_blob(good.reference.segment_id, other, daemon_user);
    remove_blob(good.reference.segment_id, good.reference.token, sender);
    remove_blob(-1, good.reference.token, daemon_user);
    CHECK(exists(good.reference.segment_id));
    remove_blob(good.reference.segment_id, good.reference.token, daemon_user);
    CHECK(!exists(good.reference.segment_id));
    remove_blob(good.reference.segment_id, good.reference.token, daemon_user);
}

TEST_CASE("A large reply is made by the daemon, and fetched by its caller and nobody else") {
    const std::string body = long_body();
    BlobReference reference;
    Maker maker(daemon_user, [&](const auto& tell) {
        OutgoingBlob blob(OutgoingBlob::ReplyTo{sender, 17}, bytes(body));
        tell(blob.reference().segment_id);
        return 0;
    });
    reference.segment_id = maker.id();
    const auto stat = SharedMemory::from_id(maker.id()).stat();
    CHECK(stat.key == IPC_PRIVATE);
    CHECK(stat.uid == sender);
    CHECK(stat.creator_uid == daemon_user);
    CHECK(stat.mode == 0600);
    {
        const AttachedMemory memory = writable(reference);
        const auto head = read_blob_head(memory.bytes());
        REQUIRE(head);
        CHECK(head->use == BlobUse::reply);
        CHECK(head->queue == 17);
        reference.size = head->size;
        reference.token = head->token;
        reference.checksum = ~wire::extend_crc(wire::crc_begin, bytes(body));
    }
    const auto fetched = [&](uid_t daemon, uid_t self) {
        std::optional<IncomingBlob> blob;
        return IncomingBlob::open_reply(reference, daemon, self, blob);
    };
    CHECK(fetched(daemon_user, sender) == BlobError::none);
    CHECK(fetched(sender, sender) == BlobError::not_ours);  // somebody else made it
    CHECK(fetched(daemon_user, daemon_user) == BlobError::not_ours);
    CHECK(open(reference) == BlobError::not_ours);
    CHECK(as_user(sender, [&] {
              std::optional<IncomingBlob> blob;
              MUST(IncomingBlob::open_reply(reference, daemon_user, sender, blob) ==
                   BlobError::none);
              std::string copy(blob->size(), ' ');
              MUST(blob->copy(std::as_writable_bytes(std::span(copy))));
              MUST(copy == body);
              blob->remove();
              return 0;
          }) == 0);
    maker.kill();
    CHECK(!exists(reference.segment_id));
}

TEST_CASE(
    "A message's body is not taken for a reply, nor a reply for one, where both are one user's") {
    OutgoingBlob body(daemon_user, queue_key, bytes("body"));
    OutgoingBlob reply(OutgoingBlob::ReplyTo{daemon_user, 17}, bytes("reply"));
    std::optional<IncomingBlob> blob;
    CHECK(IncomingBlob::open_reply(body.reference(), geteuid(), daemon_user, blob) ==
          BlobError::token);
    CHECK(open(reply.reference()) == BlobError::token);
    remove_blob(reply.reference().segment_id, reply.reference().token, daemon_user);
    CHECK(exists(reply.reference().segment_id));
}

}  // TEST_SUITE("blob")
