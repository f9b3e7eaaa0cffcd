#include "daemon/batch.hpp"
#include "tests/unit/daemon/child.hpp"
#include "tests/unit/daemon/run_dir.hpp"
#include "tests/unit/daemon/slot_bytes.hpp"
#include "tests/unit/ipc/scratch_queue.hpp"

#include <doctest/doctest.h>

#include <signal.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

TEST_SUITE("batch") {

using namespace myq;
using namespace myq::test;

namespace {

constexpr std::size_t capacity = 100'000;
constexpr std::size_t largest = 8'192;

std::string body_of(const Batch::Message& message) {
    return {reinterpret_cast<const char*>(message.body.data()), message.body.size()};
}

// "7:one 8:two "
std::string contents(const Batch& batch) {
    std::string all;
    for (const Batch::Message& message : batch.messages())
        all += std::to_string(message.type) + ':' + body_of(message) + ' ';
    return all;
}

std::string enveloped(std::string_view body) {
    Envelope envelope;
    envelope.body = bytes(body);
    const auto encoded = encode_envelope(envelope);
    return {reinterpret_cast<const char*>(encoded.data()), encoded.size()};
}

// What msgrcv() does: type, then body.
void store_at(void* buffer, std::int64_t type, std::string_view body) {
    std::memcpy(buffer, &type, sizeof type);
    std::memcpy(static_cast<char*>(buffer) + sizeof type, body.data(), body.size());
}

void add(Batch& batch, std::int64_t type, std::string_view body) {
    void* buffer = batch.next(largest);
    REQUIRE(buffer != nullptr);
    store_at(buffer, type, body);
    batch.landed(body.size());
}

// One intake's life on the slot, which ends by SIGKILL.
void killed_intake(const SlotFile& file, const std::function<void(Batch&)>& work) {
    give_up_lock(file);
    REQUIRE(in_child([&] {
                Slot slot(file);
                Batch batch(slot);
                work(batch);
                raise(SIGKILL);
                return 0;
            }) == -SIGKILL);
}

}  // namespace

TEST_CASE("a batch takes messages one behind the other, and its slot is occupied meanwhile") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q+0", capacity);
    Slot slot(file);
    Batch batch(slot);
    CHECK(batch.empty());
    CHECK(!file.view().occupied);
    const ScratchQueue queue;
    const std::vector<std::string> sent{"one", "", "three bytes more", std::string(8'000, 'z')};
    for (std::size_t i = 0; i < sent.size(); ++i)
        REQUIRE(queue.send(static_cast<std::int64_t>(i) + 1, bytes(sent[i])) == SendStatus::sent);
    for (std::size_t i = 0; i < sent.size(); ++i) {
        void* buffer = batch.next(largest);
        REQUIRE(buffer != nullptr);
        CHECK(reinterpret_cast<std::uintptr_t>(buffer) % alignof(std::int64_t) == 0);
        CHECK(batch.next_capacity() >= largest);
        const ReceiveResult got =
            queue.receive(buffer, batch.next_capacity(), Selector::any(), Wait::no);
        REQUIRE(got.status == ReceiveStatus::received);
        CHECK(file.view().occupied);
        batch.landed(got.size);
    }
    REQUIRE(batch.messages().size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        CHECK(batch.messages()[i].type == static_cast<std::int64_t>(i) + 1);
        CHECK(body_of(batch.messages()[i]) == sent[i]);
        CHECK(batch.messages()[i].head->refused == 0);
    }
    batch.clear();
    CHECK(batch.empty());
    CHECK(!file.view().occupied);
}

TEST_CASE("a message that landed before its intake was killed is found with its length") {
    struct Row {
        std::string stored, found;
    };
    const Row rows[] = {
        {"", ""},
        {"x", "x"},
        {"hello, world", "hello, world"},
        {std::string(5, '\0'), std::string(5, '\0')},
        {std::string(8'192, 'z'), std::string(8'192, 'z')},
        // The loss that the header of the slot admits.
        {"text\xFF\xFF", "text"},
        // An envelope says how long it is.
        {enveloped("ends in\xFF\xFF"), enveloped("ends in\xFF\xFF")},
    };
    for (const Row& row : rows) {
        CAPTURE(row.stored);
        const RunDir dir;
        const SlotFile file(dir.path(), "q+0", capacity);
        const ScratchQueue queue;
        for (const std::string& body : {std::string("before\xFF"), row.stored})
            REQUIRE(queue.send(7, bytes(body)) == SendStatus::sent);
        killed_intake(file, [&](Batch& batch) {
            void* first = batch.next(largest);
            batch.landed(
                queue.receive(first, batch.next_capacity(), Selector::any(), Wait::no).size);
            void* second = batch.next(largest);
            queue.receive(second, batch.next_capacity(), Selector::any(), Wait::no);
            // Killed before landed().
        });
        CHECK(file.view().occupied);
        Slot slot(file);
        const Batch batch(slot);
        REQUIRE(batch.messages().size() == 2);
        CHECK(body_of(batch.messages()[0]) == "before\xFF");  // its length was known
        CHECK(batch.messages()[1].type == 7);
        CHECK(body_of(batch.messages()[1]) == row.found);
    }
}

TEST_CASE("an intake that was killed while it waited leaves what it had, and nothing else") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q+0", capacity);
    killed_intake(file, [](Batch& batch) {
        add(batch, 7, "one");
        add(batch, 8, "two");
        batch.next(largest);
    });
    {
        Slot slot(file);
        Batch batch(slot);
        CHECK(contents(batch) == "7:one 8:two ");
        batch.clear();
    }
    killed_intake(file, [](Batch& batch) { batch.next(largest); });
    CHECK(file.view().occupied);
    Slot slot(file);
    const Batch batch(slot);
    CHECK(batch.empty());
    CHECK(!file.view().occupied);
}

TEST_CASE("a batch that is found keeps its number, what its senders were told, and may grow") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q+0", capacity);
    std::uint64_t sequence = 0;
    {
        Slot slot(file);
        Batch batch(slot);
        add(batch, 7, "one");
        sequence = batch.sequence();
        add(batch, 7, "two");
        add(batch, 7, "three");
        CHECK(batch.sequence() == sequence);
        batch.messages()[0].head->status = ConfirmStatus::duplicate;
        batch.messages()[1].head->refused = 1;
    }
    killed_intake(file, [](Batch& batch) { add(batch, 9, "four"); });
    Slot slot(file);
    Batch batch(slot);
    CHECK(contents(batch) == "7:one 7:two 7:three 9:four ");
    CHECK(batch.sequence() == sequence);
    CHECK(batch.messages()[0].head->status == ConfirmStatus::duplicate);
    CHECK(batch.messages()[1].head->status == ConfirmStatus::accepted);
    CHECK(batch.messages()[0].head->refused == 0);
    CHECK(batch.messages()[1].head->refused == 1);
    CHECK(batch.messages()[3].head->refused == 0);
    batch.clear();
    add(batch, 7, "next");
    CHECK(batch.sequence() > sequence);
    CHECK(batch.messages()[0].head->status == ConfirmStatus::accepted);
    CHECK(batch.messages()[0].head->refused == 0);
}

TEST_CASE("a batch that was cleared leaves nothing in the next one") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q+0", capacity);
    const auto fill = [](Batch& batch) {
        for (int i = 0; i < 10; ++i)
            add(batch, 7, std::string(static_cast<std::size_t>(4'000 + i), 'L'));
        batch.next(largest);
    };
    SUBCASE("in order") {
        Slot slot(file);
        Batch batch(slot);
        fill(batch);
        batch.clear();
    }
    SUBCASE("killed between the acknowledgement and the clean-up") {
        killed_intake(file, fill);
        put<std::int64_t>(file, slot_header_size, 0);  // what clear() stores first
    }
    {
        Slot slot(file);
        CHECK(!slot.occupied());
        CHECK(Batch(slot).empty());
    }
    killed_intake(file, [](Batch& batch) {
        add(batch, 7, "tiny");
        store_at(batch.next(largest), 8, "of unknown length");
    });
    Slot slot(file);
    const Batch batch(slot);
    CHECK(contents(batch) == "7:tiny 8:of unknown length ");
}

TEST_CASE("every batch counts in its slot, so that its intake is not taken for one that idles") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q+0", capacity);
    Slot slot(file);
    Batch batch(slot);
    const std::uint64_t before = file.view().messages;
    add(batch, 7, "one");
    batch.clear();
    CHECK(file.view().messages > before);
}

TEST_CASE("a batch ends where another message of the largest size would not fit") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q+0", capacity);
    Slot slot(file);
    Batch batch(slot);
    std::size_t count = 0;
    for (; batch.next(largest) != nullptr; ++count) {
        CHECK(batch.next_capacity() >= largest);
        add(batch, 7, std::string(largest, static_cast<char>('a' + count)));
    }
    CHECK(batch.next_capacity() < largest);
    CHECK(count >= 11);
    CHECK(count <= capacity / largest);
    for (std::size_t i = 0; i < count; ++i) {
        CHECK(body_of(batch.messages()[i]) == std::string(largest, static_cast<char>('a' + i)));
    }
    CHECK(batch.next(batch.next_capacity()) != nullptr);  // a smaller one still does
    CHECK(batch.next(batch.next_capacity() + 1) == nullptr);
}

TEST_CASE("a batch has its most messages, however small they are, and all are found again") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q+0", capacity);
    killed_intake(file, [](Batch& batch) {
        while (void* buffer = batch.next(16)) {
            store_at(buffer, 7, std::to_string(batch.messages().size()));
            batch.landed(std::to_string(batch.messages().size()).size());
        }
    });
    Slot slot(file);
    Batch batch(slot);
    REQUIRE(batch.messages().size() == Batch::most_messages);
    CHECK(body_of(batch.messages().front()) == "0");
    CHECK(body_of(batch.messages().back()) == "1023");
    CHECK(batch.next(16) == nullptr);
}

TEST_CASE("a slot made for a batch has room for several of the largest messages") {
    for (const std::size_t largest_body :
         {std::size_t{0}, std::size_t{8'192}, std::size_t{3} << 20U}) {
        CAPTURE(largest_body);
        CHECK(Batch::body_capacity(largest_body) >= std::size_t{1} << 20U);
        const SlotFile file(Batch::body_capacity(largest_body));
        Slot slot(file);
        Batch batch(slot);
        for (int i = 0; i < 8; ++i) {
            REQUIRE(batch.next(largest_body) != nullptr);
            REQUIRE(batch.next_capacity() >= largest_body);
            batch.landed(largest_body);
        }
    }
}

TEST_CASE("no bytes in the slot make a batch crash or reach beyond it") {
    const RunDir dir;
    const SlotFile file(dir.path(), "q+0", 3 * page);
    const int result = in_child([&] {
        unsigned seed = 1;
        const auto some = [&] { return static_cast<unsigned>(rand_r(&seed)); };
        for (int round = 0; round < 2'000; ++round) {
            std::string noise(3 * page, '\0');
            for (char& byte : noise)
                byte = static_cast<char>(some());
            // Mostly plausible: small positive numbers where lengths and types may be.
            for (std::size_t at = 0; round % 2 == 0 && at + 8 <= noise.size(); at += 8) {
                const std::uint64_t number = some() % (some() % 3 == 0 ? 100'000 : 64);
                std::memcpy(noise.data() + at, &number, sizeof number);
            }
            store(file, 1, noise);
            Slot slot(file);
            Batch batch(slot);
            const auto* begin = static_cast<const std::byte*>(slot.buffer());
            const auto* end = begin + sizeof(std::int64_t) + slot.body_capacity();
            volatile unsigned sum = 0;
            for (const Batch::Message& message : batch.messages()) {
                if (message.type <= 0) return 2;
                if (message.body.data() < begin || message.body.data() > end) return 3;
                if (message.body.size() > static_cast<std::size_t>(end - message.body.data()))
                    return 4;
                for (const std::byte byte : message.body)
                    sum = sum + std::to_integer<unsigned>(byte);
            }
            while (void* buffer = batch.next(16)) {
                if (static_cast<std::byte*>(buffer) + 24 > end) return 5;
                store_at(buffer, 1, "sixteen bytes, 1");
                batch.landed(16);
            }
            batch.clear();
            if (slot.occupied()) return 6;
        }
        return 0;
    });
    CHECK(result == 0);
}

}  // TEST_SUITE("batch")
