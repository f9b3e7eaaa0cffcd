#include "php/json.hpp"
#include "php/key_index.hpp"
#include "php/unserialize.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace myq::php {

namespace {

using Json = nlohmann::json;

// Builds the value while the library reads: its own tree would not keep the order of members.
class Reader : public nlohmann::json_sax<Json> {
public:
    Reader(const JsonOptions& options, Arena& arena)
        : arena_(arena),
          depth_(std::min(options.depth, most_levels)) {}

    Value take() { return std::move(root_); }
    const std::string& error() const { return error_; }

    bool null() override { return put({}); }
    bool boolean(bool truth) override { return put(truth); }
    bool number_integer(std::int64_t number) override { return put(number); }
    bool number_unsigned(std::uint64_t number) override {
        if (std::in_range<std::int64_t>(number)) return put(static_cast<std::int64_t>(number));
        return put(static_cast<double>(number));
    }
    bool number_float(double number, const std::string&) override { return put(number); }
    bool string(std::string& text) override {
        Value& value = place();
        value = Value();
        arena_.set_text(value, text);
        return true;
    }
    bool binary(Json::binary_t&) override { return false; }  // not in text
    bool start_array(std::size_t) override { return open(true); }
    bool end_array() override { return close(); }
    bool start_object(std::size_t) override { return open(false); }
    bool end_object() override { return close(); }

    bool key(std::string& name) override {
        KeyView key{0, name, false};
        key.is_number = is_array_number(name, key.number);
        bool is_new = true;
        Frame& frame = frames_.back();
        member_ = &frame.index.entry(arena_, *frame.entries, key, is_new).value;
        return true;
    }

    bool parse_error(std::size_t offset, const std::string&,
                     const Json::exception& error) override {
        // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ..."
        std::string_view what = error.what();
        if (const auto place = what.find("] "); place != std::string_view::npos)
            what.remove_prefix(place + 2);
        if (const auto place = what.find(": "); place != std::string_view::npos)
            what.remove_prefix(place + 2);
        error_ = "byte " + std::to_string(offset) + ": " + std::string(what);
        return false;
    }

private:
    struct Frame {
        Entries* entries;
        bool is_list;
        KeyIndex index{};
    };

    Value& place() {
        if (frames_.empty()) return root_;
        const Frame& frame = frames_.back();
        if (!frame.is_list) return *member_;
        const auto key = static_cast<std::int64_t>(frame.entries->size());
        return frame.entries->emplace_back(Entry{key, {}}).value;
    }

    bool put(Value value) {
        place() = std::move(value);
        return true;
    }

    bool open(bool is_list) {
        if (frames_.size() >= depth_) {
            error_ = "nested deeper than the " + std::to_string(depth_) +
                     " levels that are allowed; make it flatter";
            return false;
        }
        Value& value = place();
        value = Value();
        frames_.push_back({&arena_.set_array(value).entries, is_list});
        return true;
    }

    bool close() {
        frames_.pop_back();
        return true;
    }

    Arena& arena_;
    std::size_t depth_;
    Value root_;
    Value* member_ = nullptr;  // for the value behind a key
    std::vector<Frame> frames_;
    std::string error_;
};

}  // namespace

Document from_json(std::string_view json, const JsonOptions& options) {
    if (json.size() > options.size) {
        throw JsonError("from JSON: it is longer than the " + std::to_string(options.size) +
                        " bytes that are allowed; send less");
    }
    // The library takes it for the end.
    if (const auto nul = json.find('\0'); nul != std::string_view::npos) {
        throw JsonError("from JSON: byte " + std::to_string(nul) +
                        ": a NUL byte, which JSON never holds; write \\u0000");
    }
    auto arena = std::make_unique<Arena>(std::max<std::size_t>(1024, json.size()));
    Reader reader(options, *arena);
    if (!Json::sax_parse(json, &reader)) throw JsonError("from JSON: " + reader.error());
    return {std::move(arena), reader.take()};
}

}  // namespace myq::php
