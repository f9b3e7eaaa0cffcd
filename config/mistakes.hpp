#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace myq {

// A place in a file; both count from 1, columns in bytes.
struct Mark {
    int line = 1;
    int column = 1;

    friend bool operator==(const Mark&, const Mark&) = default;
};

// What is wrong with one configuration file, collected so that one run shows all of it.
class Mistakes {
public:
    // `file` is what messages call it.
    explicit Mistakes(const std::filesystem::path& file) : file_(file.string()) {}

    // `key` is the dotted path that myq.yaml(5) uses, empty for the file as a whole.
    void add(Mark mark, std::string_view key, std::string_view reason);

    std::size_t count() const { return list_.size(); }

    std::string where(Mark mark) const;  // "myq.yaml:12:9"

    // Throws ConfigError with a line for each, in the order of the file. The log and the terminal
    // are spared what follows the first hundred.
    void throw_if_any() const;

private:
    struct Mistake {
        Mark mark;
        std::string text;
    };

    std::string file_;
    std::vector<Mistake> list_;
};

}  // namespace myq
