#pragma once

#include <string>
#include <utility>
#include <vector>

namespace myq {

// The words of a command as execvp(3) and posix_spawnp(3) want them.
class Argv {
public:
    explicit Argv(std::vector<std::string> words) : words_(std::move(words)) {
        pointers_.reserve(words_.size() + 1);
        for (std::string& word : words_)
            pointers_.push_back(word.data());
        pointers_.push_back(nullptr);
    }
    Argv(const Argv&) = delete;
    Argv& operator=(const Argv&) = delete;

    char* const* data() const { return pointers_.data(); }

private:
    std::vector<std::string> words_;
    std::vector<char*> pointers_;
};

}  // namespace myq
