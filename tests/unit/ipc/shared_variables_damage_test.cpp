// Segments that are not in order: somebody else's, half made, damaged, hostile.
#include "ipc/shared_variables.hpp"
#include "tests/support/bytes.hpp"
#include "tests/unit/ipc/child.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

TEST_SUITE("shared_variables_damage") {

using namespace myq;
using namespace myq::test;

namespace {

const QueueKey key = QueueKey::from_text("0x6d797199");

std::string words(std::initializer_list<std::int64_t> numbers) {
    std::string image;
    for (const std::int64_t number : numbers)
        image.append(reinterpret_cast<const char*>(&number), sizeof number);
    return image;
}

const std::string magic("PHP_SM\0", 8);  // with the literal's own NUL

// One variable, key 7 and value "abc", in a segment of 160 bytes.
std::string good() {
    return magic + words({40, 80, 80, 160}) + words({7, 3, 40}) + "abc" + std::string(93, '\0');
}

std::string with(std::string image, std::size_t at, std::int64_t number) {
    return image.replace(at, 8, words({number}));
}

std::string with(std::size_t at, std::int64_t number) {
    return with(good(), at, number);
}

// A segment with this image at `key`, for one test.
class Segment {
public:
    explicit Segment(const std::string& image)
        : memory_(SharedMemory::create(key, image.size(), 0600)),
          attached_(memory_.attach(Access::read_write)) {
        std::memcpy(attached_.writable_bytes().data(), image.data(), image.size());
    }
    ~Segment() { memory_.remove(); }
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;

    std::string image() const {
        return {reinterpret_cast<const char*>(attached_.bytes().data()), attached_.size()};
    }

private:
    SharedMemory memory_;
    AttachedMemory attached_;
};

std::string complaint(const std::function<void()>& action) {
    try {
        action();
    } catch (const BadSegment& e) {
        return e.what();
    }
    return "nothing";
}

// What every function says to a segment with this image, and that none changes it.
std::string complaint_about(const std::string& image) {
    const Segment segment(image);
    const std::string said = complaint([] {
        const SharedVariables variables = SharedVariables::open(key, Access::read_only);
        variables.each([](std::int64_t, std::span<const std::byte>) {});
    });
    for (const auto& action : std::vector<std::function<void(SharedVariables&)>>{
             [](SharedVariables& v) { static_cast<void>(v.put(999, bytes("x"))); },
             [](SharedVariables& v) { v.remove(999); }, [](SharedVariables& v) { v.has(999); },
             [](SharedVariables& v) { v.value(999); }}) {
        CHECK(complaint([&] {
                  SharedVariables variables = SharedVariables::open_or_create(key, 512, 0600);
                  action(variables);
              }) == said);
    }
    CHECK((said == "nothing" || segment.image() == image));
    return said;
}

constexpr auto contains = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
};

}  // namespace

TEST_CASE("The image that the following tests damage is in order") {
    CHECK(complaint_about(good()) == "nothing");
}

TEST_CASE("Somebody else's segment is refused, never made ours") {
    CHECK(complaint_about("somebody else's memory" + std::string(100, '\0')) ==
          "shared memory 0x6d797199: it begins with 'somebody' and not with PHP_SM, so it is "
          "somebody else's; choose another key, or remove it if nobody needs it (ipcs -m, ipcrm -m "
          "ID)");
    CHECK(complaint_about(std::string(8, '\0')) ==
          "shared memory 0x6d797199: it has 8 bytes, fewer than the 40 of PHP's header, so it is "
          "somebody else's; choose another key, or remove it if nobody needs it (ipcs -m, ipcrm -m "
          "ID)");
    // Nothing where a header would be, and something behind it.
    CHECK(contains(complaint_about(std::string(60, '\0') + "x"), "it begins with '\\x00"));
    CHECK(contains(complaint_about(std::string("PHP_SM2\0", 8) + good().substr(8)),
                   "it begins with 'PHP_SM2\\x00' and not with PHP_SM"));
}

TEST_CASE("The last byte of the magic is nobody's: PHP neither writes nor compares it") {
    CHECK(complaint_about(good().replace(7, 1, "X")) == "nothing");
}

TEST_CASE("A segment of a 32-bit PHP is told from a damaged one") {
    const auto narrow = [](std::int64_t low, std::int64_t high) { return low | high << 32; };
    const std::string image =
        magic + words({narrow(24, 40), narrow(120, 160)}) + std::string(136, '\0');
    CHECK(contains(complaint_about(image), "it was made by a 32-bit PHP"));
}

TEST_CASE("A header whose numbers cannot be is refused with its numbers") {
    CHECK(complaint_about(with(16, 1 << 30)) ==
          "shared memory 0x6d797199: its header is damaged: start 40, end 1073741824, free 80 and "
          "total 160 in a segment of 160 bytes; remove the segment and let it be made anew");
    for (const auto& [at, number] :
         std::initializer_list<std::pair<std::size_t, std::int64_t>>{{8, -(std::int64_t{1} << 40)},
                                                                     {8, 39},
                                                                     {8, 81},
                                                                     {8, INT64_MAX},
                                                                     {16, 161},
                                                                     {16, -1},
                                                                     {16, INT64_MIN},
                                                                     {24, -1},
                                                                     {24, 121},
                                                                     {24, INT64_MAX},
                                                                     {32, 161},
                                                                     {32, 79},
                                                                     {32, 10000},
                                                                     {32, -1},
                                                                     {32, INT64_MIN}}) {
        CAPTURE(at);
        CAPTURE(number);
        CHECK(contains(complaint_about(with(at, number)), "its header is damaged"));
    }
}

TEST_CASE("A chunk that cannot be is refused with its place") {
    CHECK(complaint_about(with(48, INT64_MAX)) ==
          "shared memory 0x6d797199: the variable at byte 40 is damaged: 9223372036854775807 bytes "
          "in a chunk of 40, where 40 are left; remove the segment and let it be made anew");
    for (const auto& [at, number] :
         std::initializer_list<std::pair<std::size_t, std::int64_t>>{{48, 17},
                                                                     {48, -1},
                                                                     {48, INT64_MIN},
                                                                     {56, 0},
                                                                     {56, -40},
                                                                     {56, 23},
                                                                     {56, 41},
                                                                     {56, 1 << 30},
                                                                     {56, INT64_MAX},
                                                                     {56, INT64_MIN},
                                                                     {16, 79},
                                                                     {16, 100},
                                                                     {16, 41}}) {
        CAPTURE(at);
        CAPTURE(number);
        CHECK(contains(complaint_about(with(at, number)), "the variable at byte "));
    }
}

TEST_CASE("Chunks that others make tighter, looser or later than PHP are read and removed") {
    const auto accepts = [](const std::string& image) {
        const Segment segment(image);
        SharedVariables variables = SharedVariables::open(key, Access::read_write);
        const auto value = variables.value(7);
        const std::size_t room = variables.room();
        return value && *value == std::vector<std::byte>(3, std::byte{'z'}) &&
               variables.remove(7) && !variables.has(7) && variables.room() > room;
    };
    const std::string tail(160, '\0');
    const auto image = [&](std::int64_t start, std::int64_t size) {
        std::string whole = magic + words({start, start + size, 160 - start - size, 160});
        whole.resize(static_cast<std::size_t>(start), 'g');
        return (whole + words({7, 3, size}) + "zzz" + tail).substr(0, 160);
    };
    CHECK(accepts(image(40, 40)));
    CHECK(accepts(image(40, 27)));
    CHECK(accepts(image(40, 120)));
    CHECK(accepts(image(64, 40)));
    CHECK(accepts(image(41, 28)));
}

TEST_CASE("Of two variables with one key the first counts, as in PHP") {
    const Segment segment(magic + words({40, 112, 48, 160}) + words({7, 3, 40}) + "one" +
                          std::string(13, '\0') + words({7, 3, 32}) + "two" +
                          std::string(53, '\0'));
    SharedVariables variables = SharedVariables::open(key, Access::read_write);
    CHECK(variables.value(7)->front() == std::byte{'o'});
    CHECK(variables.remove(7));
    CHECK(variables.value(7)->front() == std::byte{'t'});
    CHECK(variables.remove(7));
    CHECK(!variables.has(7));
}

TEST_CASE("A segment that was left half set up is finished by who may write, and by nobody else") {
    const std::string zero(96, '\0');
    for (const std::string& image :
         {words({0, 0, 0, 0, 0}), magic + words({0, 0, 0, 0}), magic + words({40, 0, 0, 0}),
          magic + words({40, 40, 0, 136}), words({0, 40, 40, 96, 136})}) {
        const Segment segment(image + zero);
        CHECK(
            complaint([] { SharedVariables::open(key, Access::read_only); }) ==
            "shared memory 0x6d797199: nobody has set it up yet; try again, or let whoever writes "
            "set it up");
        SharedVariables variables = SharedVariables::open_or_create(key, 10'000, 0600);
        // Its own size, not the one asked for: PHP 8.2 would write behind its end.
        CHECK(variables.room() == 96);
        CHECK(variables.put(1, bytes(std::string(64, 'x'))) == PutStatus::stored);
        CHECK(segment.image().substr(0, 40) == magic + words({40, 136, 0, 136}));
    }
}

TEST_CASE("A free count that a killed writer left wrong is mended by the next put") {
    // One chunk too little, as after a kill in PHP's put; one too much, as in its removal.
    for (const std::int64_t free : {40, 0, 120}) {
        const Segment segment(with(24, free));
        SharedVariables variables = SharedVariables::open(key, Access::read_write);
        CHECK(variables.room() == 80);
        CHECK(variables.put(7, bytes("new")) == PutStatus::stored);
        CHECK(segment.image().substr(0, 40) == good().substr(0, 40));
    }
}

TEST_CASE("A segment that changes while it is looked at leads nobody astray") {
    const Segment segment(good());
    // Before the vandal is there: to open looks at the header as well.
    SharedVariables variables(SharedMemory::open(key), Access::read_write);
    const pid_t vandal = fork_child([] {
        const AttachedMemory memory = SharedMemory::open(key).attach(Access::read_write);
        std::byte* const at = memory.writable_bytes().data();
        const std::string whole = good();
        for (std::uint64_t seed = 1;; seed = seed * 6364136223846793005U + 1442695040888963407U) {
            const std::size_t where = (seed >> 33) % 7 * 8 + 8;  // any number of header or chunk
            const auto number = static_cast<std::int64_t>(seed >> (seed >> 58));
            std::memcpy(at + where, &number, sizeof number);
            std::memcpy(at, whole.data(), 64);
        }
        return 0;
    });
    int in_order = 0;
    int out_of_order = 0;
    // On a busy machine the vandal may not have run yet.
    for (int i = 0; i < 200'000 || in_order == 0 || out_of_order == 0; ++i) {
        try {
            if (const auto value = variables.value(7)) REQUIRE(value->size() <= 96);
            static_cast<void>(variables.put(i % 3, bytes("abc")));
            variables.remove(i % 3);
            ++in_order;
        } catch (const BadSegment&) {
            ++out_of_order;
        }
    }
    kill(vandal, SIGKILL);
    wait_for(vandal);
    CHECK(in_order > 0);
    CHECK(out_of_order > 0);
}

}  // TEST_SUITE("shared_variables_damage")
