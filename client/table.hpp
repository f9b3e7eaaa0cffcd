#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

// Rows in aligned columns under a heading, however many: the widths are those of the first few
// hundred rows, which it holds back until then; what is longer later pushes its row out of line.
class Table {
public:
    enum class Align { left, right };
    struct Column {
        std::string heading;
        Align align = Align::left;
        std::size_t widest = std::string::npos;  // longer cells are cut
    };

    // `width` is that of the terminal, to which the last column is cut; 0 for none. `print` is
    // called with whole lines.
    Table(std::vector<Column> columns, std::size_t width,
          std::function<void(std::string_view)> print);

    // As many cells as there are columns.
    void add(std::vector<std::string> cells);

    // Prints what is still held back. Without a row there is no heading either.
    void finish();

    // `text`, or as much of it as leaves room for "..." within `length`, which is at least 3.
    static std::string cut(std::string text, std::size_t length);

private:
    std::string line(const std::vector<std::string>& cells) const;
    void print_held_back();

    std::vector<Column> columns_;
    std::size_t width_;
    std::function<void(std::string_view)> print_;
    std::vector<std::size_t> widths_;
    std::vector<std::vector<std::string>> held_back_;
    bool widths_are_fixed_ = false;
};

}  // namespace myq
