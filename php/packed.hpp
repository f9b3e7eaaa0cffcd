#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

namespace myq::php {

// Sixteen bytes: a text of up to fifteen within them, a longer one behind a pointer, or anything
// else of up to eight, which the class that is made of them knows by its tag. An array of a million
// values is as small as in PHP that way, and most texts need no memory of their own.
class Packed {
    friend class Arena;

protected:
    using Tag = std::uint8_t;
    static constexpr Tag longest_within = 15;  // up to here the tag is the length of the text
    static constexpr Tag lent_text = 16;       // belongs to somebody else, who lives longer
    static constexpr Tag long_text = 17;
    static constexpr Tag first_other = 18;

    explicit Packed(Tag tag) : tag_(tag) {}

    bool is_text() const { return tag_ <= long_text; }
    std::string_view text() const {
        if (tag_ <= longest_within) return {bytes_, tag_};
        const auto* block = load<const char*>();
        std::size_t size = 0;
        std::memcpy(&size, block, sizeof size);
        return {block + sizeof size, size};
    }

    // Both: nothing is held before.
    void make_text(std::string_view text) {
        if (text.size() <= longest_within) {
            std::memcpy(bytes_, text.data(), text.size());
            tag_ = static_cast<Tag>(text.size());
        } else {
            make_long_text(long_text, ::operator new(block_size(text)), text);
        }
    }
    // `block` has block_size() bytes: the size stands before the text.
    static std::size_t block_size(std::string_view text) {
        return sizeof(std::size_t) + text.size();
    }
    void make_long_text(Tag tag, void* block, std::string_view text) {
        const std::size_t size = text.size();
        std::memcpy(block, &size, sizeof size);
        std::memcpy(static_cast<char*>(block) + sizeof size, text.data(), size);
        make(tag, block);
    }
    template <typename T>
    void make(Tag tag, T content) {
        static_assert(sizeof content <= 8);
        std::memcpy(bytes_, &content, sizeof content);
        tag_ = tag;
    }

    template <typename T>
    T load() const {
        T content;
        std::memcpy(&content, bytes_, sizeof content);
        return content;
    }

    // The bytes as they are: what is behind a pointer has two owners then.
    void copy_bytes(const Packed& other) { *this = other; }
    void swap_bytes(Packed& other) noexcept {
        const Packed mine = *this;
        *this = other;
        other = mine;
    }
    void free_long_text() { ::operator delete(load<char*>()); }

    Tag tag() const { return tag_; }

private:
    alignas(8) char bytes_[15];
    Tag tag_;
};

}  // namespace myq::php
