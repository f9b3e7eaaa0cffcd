#include "php/json.hpp"
#include "php/serialize.hpp"
#include "php/unserialize.hpp"

#include <doctest/doctest.h>

#include <pthread.h>

#include <functional>
#include <string>

TEST_SUITE("unserialize_limits") {

using namespace myq::php;

namespace {

std::string repeated(const std::string& piece, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i)
        text += piece;
    return text;
}

std::string arrays(std::size_t levels) {
    return repeated("a:1:{i:0;", levels) + "N;" + repeated("}", levels);
}

std::string objects(std::size_t levels) {
    return repeated("O:1:\"A\":1:{s:1:\"x\";", levels) + "N;" + repeated("}", levels);
}

std::string fault(const std::string& text, const Limits& limits = {}) {
    const Unserialized all = unserialize(text, limits);
    return all ? "none" : all.fault->text();
}

// In a thread with a small stack.
void with_stack(std::size_t size, std::function<void()> work) {
    pthread_attr_t attributes;
    REQUIRE(::pthread_attr_init(&attributes) == 0);
    REQUIRE(::pthread_attr_setstacksize(&attributes, size) == 0);
    pthread_t thread{};
    const auto run = [](void* argument) -> void* {
        (*static_cast<std::function<void()>*>(argument))();
        return nullptr;
    };
    REQUIRE(::pthread_create(&thread, &attributes, run, &work) == 0);
    REQUIRE(::pthread_join(thread, nullptr) == 0);
    ::pthread_attr_destroy(&attributes);
}

}  // namespace

TEST_CASE("4096 levels are taken and one more is not, as in PHP") {
    CHECK(fault(arrays(4096)) == "none");
    CHECK(fault(arrays(4097)) == "byte 36869: arrays and objects are nested too deep");
    CHECK(fault(objects(4096)) == "none");
    CHECK(fault(objects(4097)).ends_with("arrays and objects are nested too deep"));
    // An empty array may be a level deeper, an empty object may not.
    CHECK(fault(repeated("a:1:{i:0;", 4096) + "a:0:{}" + repeated("}", 4096)) == "none");
    CHECK(fault(repeated("a:1:{i:0;", 4096) + "O:1:\"A\":0:{}" + repeated("}", 4096)) != "none");
}

TEST_CASE("Who allows more levels than 4096 gets 4096") {
    CHECK(fault(arrays(4097), {.depth = 100'000}) != "none");
    CHECK(fault(arrays(10), {.depth = 10}) == "none");
    CHECK(fault(arrays(11), {.depth = 10}) == "byte 95: arrays and objects are nested too deep");
}

TEST_CASE("The deepest values need little stack") {
#if defined(__SANITIZE_ADDRESS__)
    constexpr std::size_t stack = std::size_t{64} << 20U;
#else
    constexpr std::size_t stack = std::size_t{2} << 20U;
#endif
    for (const std::string& text : {arrays(4096), objects(4096)}) {
        with_stack(stack, [&] {
            const Unserialized all = unserialize(text);
            CHECK(all);
            const Value copy(all.value());
            CHECK(copy == all.value());
            CHECK(serialize(copy) == text);
            CHECK(to_json(copy, {.depth = 4096}).size() > 4096);
        });
    }
    with_stack(stack, [&] {
        const std::string text = "a:2:{i:0;" + arrays(4000) + "i:1;R:2;}";
        CHECK(serialize(unserialize(text).value()) == text);
        const std::string json = repeated("[", 4096) + repeated("]", 4096);
        CHECK(from_json(json, {.depth = 4096}).value().array());
    });
}

TEST_CASE("A text that is longer, or has more elements, than is allowed is refused") {
    CHECK(fault("s:5:\"hello\";", {.size = 12}) == "none");
    CHECK(fault("s:5:\"hello\";", {.size = 11}) == "byte 11: the text is too long");
    const std::string text = "a:2:{i:0;a:1:{i:0;N;}i:1;N;}";
    CHECK(fault(text, {.elements = 3}) == "none");
    CHECK(fault(text, {.elements = 2}) == "byte 14: there are more elements than are allowed");
}

TEST_CASE("Counts that the rest of the text cannot hold cost nothing, at any level") {
    CHECK(fault("a:99999999999999999999:{}") ==
          "byte 22: the number before this is beyond 64 bits");
    CHECK(fault("a:1000000000:{i:0;N;}") == "byte 14: more elements are announced than can follow");
    CHECK(fault("a:3:{i:0;N;i:1;N;i:2;N;}") == "none");
    // Each level alone would fit, all of them do not.
    const std::string half = "a:50000:{i:0;";
    CHECK(fault(repeated(half, 4000) + repeated("i:1;N;", 50'000)) ==
          "byte 22: more elements are announced than can follow");
}

}  // TEST_SUITE("unserialize_limits")
