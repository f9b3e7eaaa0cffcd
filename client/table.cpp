#include "client/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace myq {

namespace {

constexpr std::size_t most_held_back = 256;
constexpr std::size_t gap = 2;
constexpr std::size_t least_last_width = 10;

}  // namespace

Table::Table(std::vector<Column> columns, std::size_t width,
             std::function<void(std::string_view)> print)
    : columns_(std::move(columns)),
      width_(width),
      print_(std::move(print)) {
    for (const Column& column : columns_)
        widths_.push_back(column.heading.size());
}

void Table::add(std::vector<std::string> cells) {
    assert(cells.size() == columns_.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        cells[i] = cut(std::move(cells[i]), columns_[i].widest);
        if (!widths_are_fixed_) widths_[i] = std::max(widths_[i], cells[i].size());
    }
    if (widths_are_fixed_) return print_(line(cells));
    held_back_.push_back(std::move(cells));
    if (held_back_.size() == most_held_back) print_held_back();
}

void Table::finish() {
    if (!held_back_.empty()) print_held_back();
}

void Table::print_held_back() {
    widths_are_fixed_ = true;
    std::vector<std::string> headings;
    for (const Column& column : columns_)
        headings.push_back(column.heading);
    print_(line(headings));
    for (const auto& cells : std::exchange(held_back_, {}))
        print_(line(cells));
}

std::string Table::line(const std::vector<std::string>& cells) const {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const bool is_last = i + 1 == cells.size();
        if (columns_[i].align == Align::right) {
            text += fmt::format("{:>{}}", cells[i], widths_[i]);
        } else if (is_last) {
            const std::size_t room = std::max(width_, text.size() + least_last_width) - text.size();
            text += width_ == 0 ? cells[i] : cut(cells[i], room);
        } else {
            text += fmt::format("{:<{}}", cells[i], widths_[i]);
        }
        if (!is_last) text.append(gap, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
}

std::string Table::cut(std::string text, std::size_t length) {
    constexpr std::string_view dots = "...";
    if (text.size() <= length) return text;
    text.resize(length - dots.size());
    return text.append(dots);
}

}  // namespace myq
