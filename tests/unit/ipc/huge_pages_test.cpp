#include "ipc/huge_pages.hpp"
#include "ipc/shared_memory.hpp"

#include <doctest/doctest.h>

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

TEST_SUITE("huge_pages") {

using namespace myq;

TEST_CASE("Whole huge pages are used where that wastes little, and what is small stays small") {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, huge_page / 8 - 1, huge_page,
                                   huge_page + 1, 5 * huge_page + huge_page / 8 - 1}) {
        CHECK(in_huge_pages(size) == size);
    }
    CHECK(in_huge_pages(huge_page / 8) == huge_page);
    CHECK(in_huge_pages(huge_page - 1) == huge_page);
    CHECK(in_huge_pages(5 * huge_page + huge_page / 8) == 6 * huge_page);
}

TEST_CASE("Memory is reserved where a huge page begins, to its end and no further") {
    CHECK(reserve_for_huge_pages(huge_page - 1) == nullptr);
    for (const std::size_t size : {huge_page, huge_page + 1, 3 * huge_page + 4096}) {
        CAPTURE(size);
        auto* const memory = static_cast<std::byte*>(reserve_for_huge_pages(size));
        REQUIRE(memory != nullptr);
        CHECK(reinterpret_cast<std::uintptr_t>(memory) % huge_page == 0);
        const std::size_t pages = (size + 4095) / 4096 * 4096;
        // All of it is ours to change, and what comes behind is not.
        CHECK(mprotect(memory, pages, PROT_READ) == 0);
        CHECK(mprotect(memory, pages + 4096, PROT_READ) != 0);
        munmap(memory, pages);
    }
}

TEST_CASE("Pages are made for memory of any size, and leave it as it is") {
    for (const std::size_t size : {std::size_t{1}, std::size_t{4097}, huge_page - 1, huge_page,
                                   2 * huge_page + 100'000, 5 * huge_page}) {
        CAPTURE(size);
        const auto segment = SharedMemory::create(QueueKey::private_queue(), size, 0600);
        const AttachedMemory memory = segment.attach(Access::read_write);
        segment.remove();
        if (size >= huge_page) {
            CHECK(reinterpret_cast<std::uintptr_t>(memory.bytes().data()) % huge_page == 0);
        }
        memory.writable_bytes()[0] = std::byte{7};
        CHECK(make_pages(memory.writable_bytes()));
        CHECK(memory.bytes()[0] == std::byte{7});
        CHECK(std::all_of(memory.bytes().begin() + 1, memory.bytes().end(),
                          [](std::byte byte) { return byte == std::byte{0}; }));
    }
}

}  // TEST_SUITE("huge_pages")
