// Senders of envelopes that know docs/wire-format.md and nothing else of myq: what they write is
// what we write, and what they ask for is what we understand.
#include "ipc/blob.hpp"
#include "ipc/blob_janitor.hpp"
#include "ipc/envelope.hpp"
#include "ipc/reply.hpp"
#include "ipc/reply_queue.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/ipc/child.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

TEST_SUITE("envelope_senders") {

using namespace myq;
using namespace myq::test;

extern "C" int make_reply_queue(uid_t daemon_uid, long token);

namespace {

constexpr const char* queue_key = "0x6d797103";
constexpr uid_t daemon_user = 950;

// A language, and what it must be able to do here.
struct Language {
    std::string program, script, probe_option, probe;
};
const Language php{"php", "envelope.php", "-r",
                   "exit(function_exists('msg_send') && class_exists('FFI') ? 0 : 1);"};
const Language python{"/usr/bin/python3", "envelope.py", "-c", "import sysv_ipc"};
const Language perl{"perl", "envelope.pl", "-MIPC::Msg", "-e0"};

// A sender in one language, as somebody who may send and nothing else.
class Sender {
public:
    explicit Sender(const Language& language) : language_(language) {
        if (run({"sh", "-c", R"(command -v "$0" >/dev/null && "$0" "$1" "$2")", language.program,
                 language.probe_option, language.probe})
                .exit_code != 0) {
            std::puts(("skipped: no usable " + language.program).c_str());
            std::fflush(stdout);
            _exit(77);
        }
        // The checkout may be somebody's own, which others cannot read.
        std::filesystem::copy_file(std::filesystem::path(SENDERS) / language.script, script());
    }

    Run speak(const std::string& body, const std::vector<std::string>& words) const {
        write_file(dir_.path() / "body", body);
        std::vector<std::string> command{"sh",
                                         "-c",
                                         R"(body=$1; shift; exec "$@" <"$body")",
                                         "sh",
                                         dir_.path() / "body",
                                         "setpriv",
                                         "--reuid=nobody",
                                         "--regid=myq-send",
                                         "--clear-groups",
                                         language_.program,
                                         script()};
        command.insert(command.end(), words.begin(), words.end());
        return run(command);
    }

private:
    std::filesystem::path script() const { return dir_.path() / language_.script; }

    const Language& language_;
    TempDir dir_;
};

std::string text(std::span<const std::byte> body) {
    return test::text(std::vector<std::byte>(body.begin(), body.end()));
}

// What a sender is asked for, and the envelope that this is for us.
struct Wish {
    std::vector<std::string> words;
    Envelope envelope;
};

std::vector<Wish> wishes() {
    std::vector<Wish> all(6);
    all[1].words = {"delay=600000"};
    all[1].envelope.delay_ms = 600'000;
    all[2].words = {"unique=order-4711"};
    all[2].envelope.unique_key = "order-4711";
    all[3].words = {"delay=0", "unique=\u00e9"};
    all[3].envelope.delay_ms = 0;
    all[3].envelope.unique_key = "\u00e9";
    all[4].words = {"due=1893456000123", "expires=9223372036854775807"};
    all[4].envelope.due_ms = 1'893'456'000'123;
    all[4].envelope.expires_ms = 9'223'372'036'854'775'807;
    all[5].words = {"due=-1"};
    all[5].envelope.due_ms = -1;
    return all;
}

void prints_what_we_write(const Language& language) {
    const Sender sender(language);
    const std::string every_byte = [] {
        std::string bytes;
        for (int i = 0; i < 5000; ++i)
            bytes += static_cast<char>(i);
        return bytes;
    }();
    for (Wish& wish : wishes()) {
        for (const std::string& body : {std::string(), std::string("hello"), every_byte}) {
            wish.envelope.id = MessageId::random();
            wish.envelope.body = bytes(body);
            std::vector<std::string> words{"print", "id=" + wish.envelope.id.text()};
            words.insert(words.end(), wish.words.begin(), wish.words.end());
            const Run printed = sender.speak(body, words);
            CAPTURE(printed.err);
            CHECK(printed.out == test::text(encode_envelope(wish.envelope)));
        }
    }
}

ScratchQueue daemons_queue() {
    const auto queue = MessageQueue::create(QueueKey::from_text(queue_key), 0620);
    queue.set({.uid = daemon_user, .gid = 951, .mode = {}, .capacity = {}});
    return ScratchQueue(queue);
}

void sends_what_we_read(const Language& language) {
    const Sender sender(language);
    const ScratchQueue queue = daemons_queue();
    const Run sent = sender.speak("hello", {"send", queue_key, "7", "delay=5", "unique=key"});
    REQUIRE(sent.err == "");
    const auto message = queue.receive(largest_body(), Selector::only(7), Wait::no);
    REQUIRE(message);
    Envelope envelope;
    REQUIRE(decode_envelope(message->body, envelope) == EnvelopeError::none);
    CHECK(envelope.kind == EnvelopeKind::message);
    CHECK(envelope.id.is_set());
    CHECK(envelope.delay_ms == 5);
    CHECK(envelope.unique_key == "key");
    CHECK(text(envelope.body) == "hello");
}

void sends_blobs_that_we_read(const Language& language) {
    const Sender sender(language);
    const ScratchQueue queue = daemons_queue();
    std::string body;
    for (int i = 0; i < 100'000; ++i)
        body += static_cast<char>(i * 7);
    const Run sent = sender.speak(body, {"blob", queue_key, "7", "delay=5"});
    REQUIRE(sent.err == "");
    const auto message = queue.receive(largest_body(), Selector::only(7), Wait::no);
    REQUIRE(message);
    Envelope envelope;
    REQUIRE(decode_envelope(message->body, envelope) == EnvelopeError::none);
    CHECK(envelope.delay_ms == 5);
    REQUIRE(envelope.blob);
    const auto waiting = unattached_blobs(daemon_user);
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].queue == QueueKey::from_text(queue_key).value());
    CHECK(waiting[0].token == envelope.blob->token);
    std::optional<IncomingBlob> blob;
    REQUIRE(IncomingBlob::open(*envelope.blob, daemon_user, blob) == BlobError::none);
    std::string copy(blob->size(), '\0');
    CHECK(blob->copy(std::as_writable_bytes(std::span(copy))));
    CHECK(copy == body);
    blob->remove();
}

// The daemon's part: one message taken and confirmed, among answers to other questions.
int confirm_one(const MessageQueue& queue) noexcept {
    if (setresgid(daemon_user, daemon_user, daemon_user) != 0) return 1;
    if (setresuid(daemon_user, daemon_user, daemon_user) != 0) return 2;
    const auto message = queue.receive(largest_body(), Selector::any(), Wait::yes);
    Envelope envelope;
    if (!message || decode_envelope(message->body, envelope) != EnvelopeError::none) return 3;
    if (!envelope.confirm || envelope.confirm->sequence != 1) return 4;
    const auto [id, token, sequence] = *envelope.confirm;
    if (MessageQueue::from_id(id).stat().last_receive_pid == 0) return 5;
    const auto reply = [&](std::int64_t type, const std::vector<ConfirmRun>& runs) {
        return send_reply(id, daemon_user, type, encode_confirm(runs)) == ReplyStatus::sent;
    };
    const std::int64_t other = token == 1 ? 2 : token - 1;
    if (reply(other, {{1, 1, ConfirmStatus::accepted}})) return 6;  // it proves another
    if (!reply(token, {{2, 9, ConfirmStatus::accepted}})) return 7;
    if (!reply(token, {{0, 1, ConfirmStatus::full}, {1, 3, ConfirmStatus::duplicate}})) return 8;
    return 0;
}

void understands_a_confirm(const Language& language) {
    const Sender sender(language);
    const ScratchQueue queue = daemons_queue();
    const pid_t daemon = fork_child([&] { return confirm_one(queue); });
    const Run confirmed = sender.speak("hello", {"confirm", queue_key, "7"});
    CHECK(confirmed.err == "");
    CHECK(confirmed.out == "1\n");
    CHECK(wait_for(daemon) == 0);
    CHECK(MessageQueue::list().size() == 1);
}

// The daemon's part of a call: news and an end of what others have asked, progress, a part that is
// not gone on with, and then the reply in two.
int answer_one(const MessageQueue& queue) noexcept {
    if (setresgid(daemon_user, daemon_user, daemon_user) != 0) return 1;
    if (setresuid(daemon_user, daemon_user, daemon_user) != 0) return 2;
    const auto message = queue.receive(largest_body(), Selector::any(), Wait::yes);
    Envelope envelope;
    if (!message || decode_envelope(message->body, envelope) != EnvelopeError::none) return 3;
    if (!envelope.reply || envelope.reply->sequence != 1) return 4;
    const auto [id, token, sequence] = *envelope.reply;
    const auto say = [&](const Reply& reply, std::int64_t type) {
        return send_reply(id, daemon_user, type, encode_reply(reply, envelope.id)) ==
               ReplyStatus::sent;
    };
    using Status = Reply::Status;
    const std::string whole = "first, second";
    const auto part = [&](std::uint64_t first, std::size_t size) {
        return Reply{1,     Status::rejected, "why",
                     first, whole.size(),     bytes(whole).subspan(first, size)};
    };
    if (say({1, Status::done, {}, 0, 0, {}}, token == 1 ? 2 : token - 1))
        return 5;  // it proves another
    if (!say({2, Status::done, {}, 0, 0, {}}, token)) return 6;
    if (!say({1, Status::progress, "half", 3, 6, {}}, token)) return 7;
    if (!say({1, Status::retrying, "again", 1, 9, {}}, token)) return 8;
    if (!say(part(0, 3), token)) return 9;  // its worker was killed here
    if (!say(part(0, 7), token)) return 10;
    if (!say(part(7, 6), token)) return 11;
    return 0;
}

void understands_a_reply(const Language& language) {
    const Sender sender(language);
    const ScratchQueue queue = daemons_queue();
    const pid_t daemon = fork_child([&] { return answer_one(queue); });
    const Run called = sender.speak("hello", {"call", queue_key, "7"});
    CHECK(called.err == "why");
    CHECK(called.out == "3/6 half\nfirst, second");
    CHECK(called.exit_code == 2);
    CHECK(wait_for(daemon) == 0);
    CHECK(MessageQueue::list().size() == 1);
}

// A call whose reply has no room in the queue.
int answer_in_shared_memory(const MessageQueue& queue, const std::string& whole) noexcept {
    if (setresgid(daemon_user, daemon_user, daemon_user) != 0) return 1;
    if (setresuid(daemon_user, daemon_user, daemon_user) != 0) return 2;
    const auto message = queue.receive(largest_body(), Selector::any(), Wait::yes);
    Envelope envelope;
    if (!message || decode_envelope(message->body, envelope) != EnvelopeError::none) return 3;
    const auto caller =
        maker_of_reply_queue(envelope.reply->queue_id, daemon_user, envelope.reply->token);
    if (!caller) return 4;
    OutgoingBlob blob(OutgoingBlob::ReplyTo{*caller, envelope.reply->queue_id}, bytes(whole));
    Reply cut{1, Reply::Status::cut, "no room", 0, whole.size(), {}};
    cut.large = blob.reference();
    if (send_reply(envelope.reply->queue_id, daemon_user, envelope.reply->token,
                   encode_reply(cut, envelope.id)) != ReplyStatus::sent) {
        return 5;
    }
    blob.sent();
    return 0;
}

void fetches_a_large_reply(const Language& language) {
    const Sender sender(language);
    const ScratchQueue queue = daemons_queue();
    std::string whole;
    for (int i = 0; i < 100'000; ++i)
        whole += static_cast<char>(i * 7);
    const pid_t daemon = fork_child([&] { return answer_in_shared_memory(queue, whole); });
    const Run called = sender.speak("hello", {"call", queue_key, "7"});
    CHECK(called.err == "");
    CHECK(called.out == whole);
    CHECK(called.exit_code == 0);
    CHECK(wait_for(daemon) == 0);
    CHECK(SharedMemory::list().empty());
    CHECK(MessageQueue::list().size() == 1);
}

// The blocks of code in a Markdown text that are marked as `language`.
std::vector<std::string> code_blocks(const std::string& text, const std::string& language) {
    std::vector<std::string> blocks;
    const std::string opening = "\n```" + language + "\n";
    for (std::size_t at = text.find(opening); at != std::string::npos;
         at = text.find(opening, at)) {
        at += opening.size();
        blocks.push_back(text.substr(at, text.find("\n```", at) + 1 - at));
    }
    return blocks;
}

}  // namespace

TEST_CASE("What PHP prints is what we write") {
    prints_what_we_write(php);
}
TEST_CASE("What Python prints is what we write") {
    prints_what_we_write(python);
}
TEST_CASE("What Perl prints is what we write") {
    prints_what_we_write(perl);
}

TEST_CASE("What PHP sends is what we read") {
    sends_what_we_read(php);
}
TEST_CASE("What Python sends is what we read") {
    sends_what_we_read(python);
}
TEST_CASE("What Perl sends is what we read") {
    sends_what_we_read(perl);
}

TEST_CASE("What PHP puts into shared memory is what we read") {
    sends_blobs_that_we_read(php);
}
TEST_CASE("What Python puts into shared memory is what we read") {
    sends_blobs_that_we_read(python);
}
TEST_CASE("What Perl puts into shared memory is what we read") {
    sends_blobs_that_we_read(perl);
}

TEST_CASE("PHP waits for a confirm and understands it") {
    understands_a_confirm(php);
}
TEST_CASE("Python waits for a confirm and understands it") {
    understands_a_confirm(python);
}
TEST_CASE("Perl waits for a confirm and understands it") {
    understands_a_confirm(perl);
}

TEST_CASE("PHP calls, and understands the reply") {
    understands_a_reply(php);
}
TEST_CASE("Python calls, and understands the reply") {
    understands_a_reply(python);
}
TEST_CASE("Perl calls, and understands the reply") {
    understands_a_reply(perl);
}

TEST_CASE("PHP calls, and fetches a reply from shared memory") {
    fetches_a_large_reply(php);
}
TEST_CASE("Python calls, and fetches a reply from shared memory") {
    fetches_a_large_reply(python);
}
TEST_CASE("Perl calls, and fetches a reply from shared memory") {
    fetches_a_large_reply(perl);
}

TEST_CASE("A reply queue made in C is answered on") {
    CHECK(as_nobody([] {
              const int id = make_reply_queue(daemon_user, 7);
              if (id < 0) return 1;
              return MessageQueue::from_id(id).stat().last_receive_pid == getpid() ? 0 : 2;
          }) == 0);
    REQUIRE(MessageQueue::list().size() == 1);
    const int id = MessageQueue::list().front().id;
    CHECK(send_reply(id, daemon_user, 7, bytes("x")) == ReplyStatus::sent);
    CHECK(make_reply_queue(static_cast<uid_t>(-1), 7) == -1);
    CHECK(MessageQueue::list().size() == 1);
}

TEST_CASE("The code in docs/wire-format.md is code of these senders") {
    const std::string document = read_file(WIRE_FORMAT);
    struct File {
        const char *language, *name;
    };
    for (const auto& [language, name] : {File{"php", "envelope.php"}, File{"python", "envelope.py"},
                                         File{"perl", "envelope.pl"}, File{"c", "reply_queue.c"}}) {
        const std::string code = read_file(std::filesystem::path(SENDERS) / name);
        const auto blocks = code_blocks(document, language);
        CAPTURE(language);
        CHECK(!blocks.empty());
        for (const std::string& block : blocks) {
            CAPTURE(block);
            CHECK(code.find(block) != std::string::npos);
        }
    }
}

}  // TEST_SUITE("envelope_senders")
