#include "daemon/blob_sweep.hpp"
#include "ipc/blob.hpp"
#include "ipc/blob_janitor.hpp"
#include "ipc/reply.hpp"
#include "ipc/reply_queue.hpp"
#include "tests/support/run.hpp"
#include "tests/unit/daemon/blob_sender.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/lines.hpp"
#include "tests/unit/daemon/run_dir.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/daemon/test_log.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include <chrono>
#include <string>
#include <vector>

TEST_SUITE("blob_sweep") {

using namespace myq;
using namespace myq::test;

namespace {

std::chrono::nanoseconds since_boot() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

// A daemon that serves the queue which BlobSender sends to.
struct Scene {
    Scene() {
        QueuePlan plan;
        plan.config.name = "jobs";
        plan.config.key = QueueKey::from_text("0x6d797102");
        queues.push_back(plan);
        log_to(lines);
    }

    int sweep(SweepTime when) const { return sweep_blobs(queues, slots, ::geteuid(), when); }
    // As if every blob had been seen without a message this long ago.
    static void seen(std::chrono::seconds ago) {
        for (const UnattachedBlob& blob : unattached_blobs(::geteuid()))
            remove_unreferenced(blob, ::geteuid(), since_boot() - ago, std::chrono::hours{24});
    }

    Lines lines;
    RunDir run;
    SlotDirectory slots{run.path(), current_identity()};
    ScratchQueue queue{MessageQueue::create(QueueKey::from_text("0x6d797102"), 0622)};
    std::vector<QueuePlan> queues;
};

}  // namespace

TEST_CASE("a blob without a message goes at the start, and at work when it was seen so twice") {
    Scene scene;
    BlobSender blob("body");
    REQUIRE(has_blobs_to_judge(::geteuid()));
    SUBCASE("at the start") {
        CHECK(scene.sweep(SweepTime::at_start) == 1);
    }
    SUBCASE("at work, at once") {
        CHECK(scene.sweep(SweepTime::at_work) == 0);
        CHECK(scene.sweep(SweepTime::at_work) == 0);
        CHECK(blob.is_there());
        return;
    }
    SUBCASE("at work, a minute later") {
        Scene::seen(std::chrono::seconds{61});
        CHECK(scene.sweep(SweepTime::at_work) == 1);
    }
    SUBCASE("its queue was removed, with all that was in it") {
        scene.queue.remove();
        CHECK(scene.sweep(SweepTime::at_start) == 1);
    }
    CHECK(!blob.is_there());
    CHECK(!has_blobs_to_judge(::geteuid()));
}

TEST_CASE("a blob whose message is anywhere stays, and is not taken for long gone later") {
    Scene scene;
    BlobSender blob("body");
    const SlotFile worker(scene.slots.path(), "jobs.0", 8192);
    const SlotFile intake(scene.slots.path(), "jobs+0", 100'000);
    Scene::seen(std::chrono::hours{1});
    SUBCASE("in the queue") {
        REQUIRE(scene.queue.send(1, bytes(std::string("another")), Wait::no) == SendStatus::sent);
        REQUIRE(scene.queue.send(1, bytes(blob.bytes()), Wait::no) == SendStatus::sent);
    }
    SUBCASE("in a slot") {
        store(worker, 7, blob.bytes());
    }
    SUBCASE("in a batch") {
        put_bytes(intake, 54'321, blob.bytes());
    }
    CHECK(scene.sweep(SweepTime::at_start) == 0);
    CHECK(scene.sweep(SweepTime::at_work) == 0);
    CHECK(blob.is_there());
    put_bytes(intake, 54'321, std::string(200, '\0'));
    put_bytes(worker, slot_header_size, std::string(300, '\0'));
    while (scene.queue.receive(8192, Selector::any(), Wait::no)) {
    }
    CHECK(scene.sweep(SweepTime::at_work) == 0);
    CHECK(blob.is_there());
}

TEST_CASE("what cannot be judged stays: another's queue, a queue too long, a stopped worker") {
    Scene scene;
    BlobSender blob("body");
    Scene::seen(std::chrono::hours{1});
    SUBCASE("another daemon's queue") {
        scene.queues.at(0).config.key = QueueKey::from_text("0x5e4e");
        CHECK(scene.sweep(SweepTime::at_start) == 0);
    }
    SUBCASE("a queue that is too long to be looked through") {
        scene.queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 5000});
        for (int i = 0; i < 4097; ++i)
            REQUIRE(scene.queue.send(1, {}, Wait::no) == SendStatus::sent);
        CHECK(scene.sweep(SweepTime::at_start) == 0);
    }
    SUBCASE("a worker that is stopped may have its message in the kernel's hands") {
        const SlotFile file(scene.slots.path(), "jobs.0", 8192);
        const pid_t worker = myq::test::fork_child([&] {
            const Slot slot(file);
            ::raise(SIGSTOP);
            return 0;
        });
        int status = 0;
        REQUIRE(::waitpid(worker, &status, WUNTRACED) == worker);
        CHECK(scene.sweep(SweepTime::at_work) == 0);
        CHECK(blob.is_there());
        ::kill(worker, SIGCONT);
        CHECK(myq::test::wait_for(worker) == 0);
        // Who looks at a process in /proc keeps what it has attached for a moment.
        CHECK(myq::test::eventually([&] { return scene.sweep(SweepTime::at_work) == 1; }));
        return;
    }
    CHECK(blob.is_there());
}

TEST_CASE("the memory of a reply goes with its caller, and a minute after nobody was told of it") {
    Scene scene;
    // It is our own user, and so may be anything, unless it is removed.
    std::optional<ReplyQueue> caller(std::in_place, ::geteuid());
    BlobReference reference;
    {
        const std::string body = "body";
        OutgoingBlob reply(OutgoingBlob::ReplyTo{::geteuid(), caller->id()}, bytes(body));
        reply.sent();
        reference = reply.reference();
        CHECK(scene.sweep(SweepTime::at_start) == 0);  // its worker has it still
    }
    const auto seen_a_minute_ago = [] {
        for (const UnattachedBlob& reply : unattached_replies(::geteuid()))
            remove_unreferenced(reply, ::geteuid(), since_boot() - std::chrono::seconds{61},
                                std::chrono::hours{24});
    };
    Reply news{1, Reply::Status::cut, "cut", 0, reference.size, {}};
    news.large = reference;
    REQUIRE(send_reply(caller->id(), ::geteuid(), caller->token(), encode_reply(news, {})) ==
            ReplyStatus::sent);
    seen_a_minute_ago();
    REQUIRE(has_blobs_to_judge(::geteuid()));
    CHECK(scene.sweep(SweepTime::at_start) == 0);  // it is in the queue, and was all the time
    CHECK(caller->receive(Wait::no));
    CHECK(scene.sweep(SweepTime::at_start) == 0);
    CHECK(has_segment(reference.segment_id));
    SUBCASE("its caller has gone") {
        caller.reset();
        CHECK(scene.sweep(SweepTime::at_work) == 1);
    }
    SUBCASE("its caller has read of it, and does not come") {
        keep_referenced(unattached_replies(::geteuid()).at(0), ::geteuid());
        seen_a_minute_ago();
        CHECK(scene.sweep(SweepTime::at_work) == 1);
    }
    CHECK(!has_segment(reference.segment_id));
    CHECK(!has_blobs_to_judge(::geteuid()));
}

}  // TEST_SUITE("blob_sweep")
