#include "daemon/large_buffer.hpp"
#include "tests/unit/daemon/child.hpp"

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <system_error>

TEST_SUITE("large_buffer") {

using namespace myq;
using namespace myq::test;

TEST_CASE("what is written into a large buffer is read there, and is not to be written") {
    LargeBuffer buffer;
    for (const std::size_t size : {1U, 5'000'000U, 4096U, 100U}) {
        const auto room = buffer.room(size);
        REQUIRE(room.size() == size);
        std::fill(room.begin(), room.end(), static_cast<std::byte>(size % 251));
        CHECK(buffer.body().size() == size);
        CHECK(std::all_of(buffer.body().begin(), buffer.body().end(), [&](std::byte byte) {
            return byte == static_cast<std::byte>(size % 251);
        }));
    }
    CHECK(in_child([&] {
              *const_cast<std::byte*>(buffer.body().data()) = std::byte{1};
              return 0;
          }) == -SIGSEGV);
}

TEST_CASE("a large buffer is used again, and given back after a while of small bodies") {
    LargeBuffer buffer;
    const std::byte* large = buffer.room(std::size_t{2} << 20U).data();
    for (int i = 0; i < 100; ++i)
        CHECK(buffer.room(std::size_t{1} << 20U).data() == large);
    int kept = 0;
    while (kept < 100 && buffer.room(4096).data() == large)
        ++kept;
    CHECK(kept == 15);
}

TEST_CASE("after an unusual body its memory is given back, and kept from the second one on") {
    constexpr std::size_t large = std::size_t{64} << 20U;
    LargeBuffer buffer;
    const auto resident = [] {
        std::ifstream file("/proc/self/statm");
        std::size_t size = 0, pages = 0;
        file >> size >> pages;
        return pages * 4096;
    };
    const auto use = [&](std::size_t size) {
        const auto room = buffer.room(size);
        std::fill(room.begin(), room.end(), std::byte{1});
        buffer.rest();
    };
    const std::size_t before = resident();
    use(large);
    CHECK(resident() < before + large / 2);
    CHECK(buffer.body().empty());
    use(large);
    const auto* kept = buffer.room(large).data();
    CHECK(kept == buffer.room(large).data());
    CHECK(resident() >= before + large / 2);
    buffer.rest();
    use(1'000'000);
    use(large);
    CHECK(resident() < before + large / 2);
}

#if !defined(__SANITIZE_ADDRESS__)  // which takes terabytes of addresses for itself
TEST_CASE("memory that is not to be had is said, and may be had later") {
    CHECK(in_child([&] {
              LargeBuffer buffer;
              rlimit limit{};
              getrlimit(RLIMIT_AS, &limit);
              const rlim_t before = limit.rlim_cur;
              // Room for no mapping, and for the first of two.
              for (const unsigned most : {27U, 28U, 29U}) {
                  limit.rlim_cur = (rlim_t{1} << most) + (rlim_t{1} << 26U);
                  setrlimit(RLIMIT_AS, &limit);
                  try {
                      buffer.room(std::size_t{1} << 28U);
                      if (most != 29) return 1;
                  } catch (const std::system_error& e) {
                      if (e.code() != std::errc::not_enough_memory) return 2;
                  }
              }
              limit.rlim_cur = before;
              setrlimit(RLIMIT_AS, &limit);
              const auto room = buffer.room(std::size_t{1} << 28U);
              room.back() = std::byte{1};
              return buffer.body().back() == std::byte{1} ? 0 : 3;
          }) == 0);
}
#endif

}  // TEST_SUITE("large_buffer")
