#include "ipc/blob.hpp"
#include "tests/unit/client/client_process.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

TEST_SUITE("blob") {

// Bodies that are too long for a kernel message.
using namespace myq;
using namespace myq::test;

namespace {

std::string any_bytes(std::size_t size) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        body[i] = static_cast<char>(i * 2654435761U >> 13U);
    return body;
}

// The queue jobs of the config.
struct Jobs {
    TestConfig config;
    ScratchQueue queue{MessageQueue::create(QueueKey::from_text("0x6d797101"), 0620)};

    // The next message, which must be a blob; removes it.
    std::string take() const {
        const auto message = queue.receive(largest_body(), Selector::any(), Wait::no);
        Envelope envelope;
        if (!message || decode_envelope(message->body, envelope) != EnvelopeError::none ||
            !envelope.blob) {
            return "no blob";
        }
        std::optional<IncomingBlob> blob;
        if (IncomingBlob::open(*envelope.blob, geteuid(), blob) != BlobError::none) return "gone";
        std::string body(blob->size(), '\0');
        if (!blob->copy(std::as_writable_bytes(std::span(body)))) return "wrong checksum";
        blob->remove();
        return body;
    }
};

std::size_t segments() {
    return SharedMemory::list().size();
}

}  // namespace

TEST_CASE("A body that is too long for a message goes through shared memory, wherever it comes "
          "from") {
    const Jobs jobs;
    const std::string body = any_bytes(3'000'000);
    const TempDir dir;
    const std::string file = dir.path() / "body";
    write_file(file, body);
    check_myq({"send", "jobs/7", "--file", file}, 0, "", "");
    CHECK(jobs.take() == body);
    check_myq({"send", "jobs/7"}, 0, "", "", {.input = body});
    CHECK(jobs.take() == body);
    const std::string argument(100'000, 'a');
    check_myq({"send", "jobs/7", argument}, 0, "", "");
    CHECK(jobs.take() == argument);
    check_myq({"send", "--key", "0x6d797101", "--type", "7", argument}, 0, "", "");
    CHECK(jobs.take() == argument);
    const Outcome later = test::myq({"send", "jobs/7", "--delay", "1h", "--json", argument});
    CHECK(later.status == 0);
    CHECK(later.out.find("\"status\":\"sent\"") != std::string::npos);
    CHECK(jobs.take() == argument);
    check_myq({"send", "jobs/7", "--lines"}, 0, "", "", {.input = "small\n" + argument + "\n"});
    CHECK(text(jobs.queue.receive(100, Selector::any(), Wait::no)->body) == "small");
    CHECK(jobs.take() == argument);
    check_myq({"send", "jobs/7", "--php", "\"" + argument + "\""}, 0, "", "");
    CHECK(jobs.take() == "s:100000:\"" + argument + "\";");
    CHECK(segments() == 0);
}

TEST_CASE("Only what does not fit goes through shared memory, and fits means the queue too") {
    const Jobs jobs;
    check_myq({"send", "jobs/7", std::string(largest_body(), 'x')}, 0, "", "");
    CHECK(segments() == 0);
    CHECK(jobs.queue.receive(largest_body(), Selector::any(), Wait::no)->body.size() ==
          largest_body());
    jobs.queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 1000});
    check_myq({"send", "jobs/7"}, 0, "", "", {.input = std::string(1001, 'x')});
    CHECK(jobs.take() == std::string(1001, 'x'));
    jobs.queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 60});
    const Outcome never = test::myq({"send", "jobs/7"}, {.input = std::string(1001, 'x')});
    CHECK(never.status == 65);
    CHECK(never.err.find("never fits into a queue of 60") != std::string::npos);
    CHECK(segments() == 0);
}

TEST_CASE("A body beyond every limit is refused with the limit, and leaves nothing") {
    const Jobs jobs;
    write_file(jobs.config.file(), R"(queues:
  - {name: jobs, key: 0x6d797101, max_body: 100KiB, handlers: [{type: 7, plugin: log}]}
)");
    check_myq({"send", "jobs/7"}, 0, "", "", {.input = std::string(102'400, 'x')});
    CHECK(jobs.take().size() == 102'400);
    const std::string refusal = ": longer than 100KiB, the longest body of this queue: send less "
                                "at once, or raise max_body in the configuration\n";
    check_myq({"send", "jobs/7"}, 65, "", "myq: standard input" + refusal,
              {.input = std::string(102'401, 'x')});
    check_myq({"send", "jobs/7", std::string(102'401, 'x')}, 65, "", "myq: the body" + refusal);
    std::ofstream("/proc/sys/kernel/shmmax") << 50'000;
    Outcome outcome = test::myq({"send", "jobs/7"}, {.input = std::string(60'000, 'x')});
    CHECK(outcome.status == 65);
    CHECK(outcome.err.find("more than kernel.shmmax, 50000") != std::string::npos);
    std::ofstream("/proc/sys/kernel/shmall") << 10;
    const SharedMemory full = SharedMemory::create(QueueKey::private_queue(), 40'000, 0600);
    outcome = test::myq({"send", "jobs/7"}, {.input = std::string(40'000, 'x')});
    CHECK(outcome.status == 73);
    CHECK(outcome.err.find("kernel.shmall") != std::string::npos);
    full.remove();
    CHECK(segments() == 0);
    CHECK(jobs.queue.stat().messages == 0);
}

TEST_CASE("A queue that no myqd is known to read gets no blob unless it is said") {
    const ScratchQueue queue(MessageQueue::create(QueueKey::from_text("0x77"), 0600));
    const std::string body = any_bytes(100'000);
    std::vector<std::string> args = {"send", "--key", "0x77", "--type", "3"};
    check_myq(args, 65, "",
              "myq: standard input: longer than kernel.msgmax, 8192 bytes: send less at once, or "
              "raise it: sysctl -w kernel.msgmax=N, or if a myqd reads this queue, use --blob\n",
              {.input = body});
    args.emplace_back("--blob");
    check_myq(args, 0, "", "", {.input = body});
    CHECK(queue.stat().messages == 1);
    // Looked at as often as one likes, received once.
    for (int i = 0; i < 2; ++i) {
        const Outcome peek = test::myq({"peek", "--key", "0x77"});
        CHECK(peek.out.find("[envelope, blob of 100000 bytes]") != std::string::npos);
    }
    check_myq({"recv", "--key", "0x77"}, 0, body, "");
    CHECK(segments() == 0);
    CHECK(test::myq({"recv", "--key", "0x77", "--nowait"}).status == 75);
}

TEST_CASE("A blob whose body cannot be had is received as it is, with the reason") {
    const ScratchQueue queue(MessageQueue::create(QueueKey::from_text("0x77"), 0600));
    check_myq({"send", "--key", "0x77", "--type", "3", "--blob"}, 0, "", "",
              {.input = any_bytes(100'000)});
    SharedMemory::from_id(SharedMemory::list().at(0).id).remove();
    const Outcome peek = test::myq({"peek", "--key", "0x77"});
    CHECK(peek.out.find("[envelope, blob of 100000 bytes, its shared memory is gone]") !=
          std::string::npos);
    const Outcome recv = test::myq({"recv", "--key", "0x77"});
    CHECK(recv.status == 0);
    CHECK(recv.out.size() == 72);
    CHECK(recv.err == "myq: queue 0x00000077: a message of type 3 is a blob, and its shared memory "
                      "is gone: it is written as it is\n");
}

TEST_CASE("--max-size is about the body, wherever it lies, and what is cut was taken whole") {
    const Jobs jobs;
    const std::string body(100'000, 'x');
    check_myq({"send", "jobs/7", body}, 0, "", "");
    check_myq({"recv", "jobs", "--max-size", "99999"}, 65, "",
              "myq: jobs: a message of type 7 has a body of 100000 bytes in shared memory, longer "
              "than 99999; it was put back, behind the others: raise --max-size, or have it cut "
              "with --truncate\n");
    CHECK(segments() == 1);
    check_myq({"recv", "jobs", "--max-size", "10", "--truncate"}, 0, "xxxxxxxxxx",
              "myq: jobs: a message of type 7 was cut to 10 bytes\n");
    CHECK(segments() == 0);
    check_myq({"send", "jobs/7", body}, 0, "", "");
    check_myq({"recv", "jobs", "--max-size", "100000"}, 0, body, "");
    CHECK(segments() == 0);
}

TEST_CASE("A body that cannot be written out is put back, and still there") {
    const ScratchQueue queue(MessageQueue::create(QueueKey::from_text("0x77"), 0600));
    const std::string body = any_bytes(100'000);
    check_myq({"send", "--key", "0x77", "--type", "3", "--blob"}, 0, "", "", {.input = body});
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    CHECK(test::myq({"recv", "--key", "0x77"}, {.out = full}).status == 71);
    close(full);
    check_myq({"recv", "--key", "0x77"}, 0, body, "");
    CHECK(segments() == 0);
}

TEST_CASE("A blob that is not sent leaves no shared memory: full, timed out, interrupted") {
    const Jobs jobs;
    const std::string body = any_bytes(100'000);
    jobs.queue.set({.uid = {}, .gid = {}, .mode = {}, .capacity = 100});
    REQUIRE(jobs.queue.send(1, bytes(std::string(100, 'x')), Wait::no) == SendStatus::sent);
    CHECK(test::myq({"send", "jobs/7", "--nowait"}, {.input = body}).status == 75);
    CHECK(segments() == 0);
    CHECK(test::myq({"send", "jobs/7", "--timeout", "10ms"}, {.input = body}).status == 75);
    CHECK(segments() == 0);
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{}, std::vector<std::string>{"--confirm"}}) {
        std::vector<std::string> args = {"send", "jobs/7"};
        args.insert(args.end(), more.begin(), more.end());
        ClientProcess sender(args, {.input = body});
        REQUIRE(blocks_in(sender.pid(), SYS_msgsnd));
        CHECK(segments() == 1);
        sender.signal(SIGTERM);
        CHECK(sender.wait().status == -SIGTERM);
        CHECK(segments() == 0);
    }
}

TEST_CASE("What a killed sender had not given away goes with the next blob of its user") {
    const Jobs jobs;
    // As it is between shmget(2) and shmctl(2).
    REQUIRE(in_child([] {
                SharedMemory::create(QueueKey::private_queue(), 100'000, 0700);
                return 0;
            }) == 0);
    REQUIRE(segments() == 1);
    check_myq({"send", "jobs/7", "small"}, 0, "", "");
    CHECK(segments() == 1);
    check_myq({"send", "jobs/7"}, 0, "", "", {.input = std::string(100'000, 'x')});
    CHECK(segments() == 1);
    jobs.queue.receive(100, Selector::any(), Wait::no);
    CHECK(jobs.take() == std::string(100'000, 'x'));
    CHECK(segments() == 0);
}

}  // TEST_SUITE("blob")
