#include "config/size.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <vector>

TEST_SUITE("size") {

using namespace myq;

TEST_CASE("size: a number of bytes or one with a unit of 1024") {
    struct Row {
        const char* text;
        std::uint64_t size;
    };
    const std::vector<Row> rows = {
        {"0", 0},
        {"4096", 4096},
        {"64KiB", 65536},
        {"1MiB", 1048576},
        {"2GiB", 2147483648},
        {"18446744073709551615", UINT64_MAX},
        {"17179869183GiB", 17179869183U * (std::uint64_t{1} << 30U)},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_size(row.text) == row.size);
    }
}

TEST_CASE("size: as people write it, in the largest unit that leaves a whole number") {
    struct Row {
        std::uint64_t size;
        const char* text;
    };
    const std::vector<Row> rows = {
        {0, "0"},
        {1, "1"},
        {1023, "1023"},
        {1024, "1KiB"},
        {1025, "1025"},
        {1536, "1536"},
        {65536, "64KiB"},
        {mebibyte, "1MiB"},
        {3 * (std::uint64_t{1} << 30U), "3GiB"},
        {tebibyte, "1024GiB"},
        {2147483647, "2147483647"},
        {UINT64_MAX, "18446744073709551615"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(size_text(row.size) == row.text);
        CHECK(parse_size(row.text) == row.size);
    }
}

TEST_CASE("size: everything else is refused with a sentence that quotes it") {
    struct Row {
        const char* text;
        const char* sentence;
    };
    const std::vector<Row> rows = {
        {"", "'' is not a size: write a number of bytes, or one with KiB, MiB or GiB, such as "
             "64KiB"},
        {"-1", "'-1' is not a size: write a number of bytes, or one with KiB, MiB or GiB, such as "
               "64KiB"},
        {"MiB", "'MiB' is not a size: write a number of bytes, or one with KiB, MiB or GiB, such "
                "as 64KiB"},
        {"1K", "'1K' has an unknown unit: write KiB, MiB or GiB, such as 64KiB, or nothing for "
               "bytes"},
        {"1MB", "'1MB' has an unknown unit: write KiB, MiB or GiB, such as 64KiB, or nothing for "
                "bytes"},
        {"1 MiB", "'1 MiB' has an unknown unit: write KiB, MiB or GiB, such as 64KiB, or nothing "
                  "for bytes"},
        {"0x10", "'0x10' has an unknown unit: write KiB, MiB or GiB, such as 64KiB, or nothing "
                 "for bytes"},
        {"18446744073709551616", "'18446744073709551616' is too large"},
        {"17179869184GiB", "'17179869184GiB' is too large"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK_THROWS_WITH_AS(parse_size(row.text), row.sentence, std::invalid_argument);
    }
}

}  // TEST_SUITE("size")
