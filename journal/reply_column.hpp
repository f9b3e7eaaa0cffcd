#pragma once

#include "ipc/envelope.hpp"
#include "ipc/wire.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>

// message.reply: where its caller waits, as the option of an envelope has it.
namespace myq {

using ReplyColumn = std::array<std::byte, wire::address_size>;

inline ReplyColumn to_column(const ReplyAddress& address) {
    ReplyColumn column{};
    wire::store(column.data(), address.queue_id);
    wire::store(column.data() + 4, address.token);
    wire::store(column.data() + 12, address.sequence);
    return column;
}

inline std::optional<ReplyAddress> from_column(std::span<const std::byte> column) {
    if (column.size() != wire::address_size) return std::nullopt;
    return ReplyAddress{wire::load<std::int32_t>(column.data()),
                        wire::load<std::int64_t>(column.data() + 4),
                        wire::load<std::uint64_t>(column.data() + 12)};
}

}  // namespace myq
