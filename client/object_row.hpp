#pragma once

#include "client/account.hpp"
#include "client/table.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace myq {

// The columns that every System V object has, before those of its kind.
inline std::vector<Table::Column> object_columns(std::vector<Table::Column> of_its_kind) {
    std::vector<Table::Column> columns{
        {"KEY"}, {"ID", Table::Align::right}, {"OWNER"}, {"GROUP"}, {"MODE"}};
    for (Table::Column& column : of_its_kind)
        columns.push_back(std::move(column));
    return columns;
}

// Their cells; `stat` is a SemaphoreSetStat or a SharedMemoryStat.
template <typename Stat>
std::vector<std::string> object_row(const Stat& stat, std::vector<std::string> of_its_kind) {
    std::vector<std::string> cells{fmt::format("0x{:08x}", static_cast<std::uint32_t>(stat.key)),
                                   std::to_string(stat.id), user_name(stat.uid),
                                   group_name(stat.gid), fmt::format("{:04o}", stat.mode)};
    for (std::string& cell : of_its_kind)
        cells.push_back(std::move(cell));
    return cells;
}

}  // namespace myq
