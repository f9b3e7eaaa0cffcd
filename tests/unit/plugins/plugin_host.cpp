#include "tests/unit/plugins/plugin_host.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace {

std::vector<LogLine> log_lines;  // the contract's log() has no context pointer

std::string replied;
// What a reply may have here.
constexpr std::size_t most_replied = 1'000'000;

const myq_host host = {
    .size = sizeof(myq_host),
    .abi_major = MYQ_ABI_MAJOR,
    .abi_minor = MYQ_ABI_MINOR,
    .version = "test",
    .log =
        [](int level, const char* text, size_t size) {
            log_lines.push_back({level, std::string(text, size)});
        },
    .should_stop = [] { return 0; },
    .touch = [](int64_t) {},
    .reply =
        [](const void* data, size_t size) {
            replied.append(static_cast<const char*>(data), size);
            return replied.size() > most_replied ? -1 : 0;
        },
    .progress = [](uint64_t, uint64_t, const char*, size_t) {},
};

const myq_plugin* load(const std::string& name) {
    std::filesystem::path file = std::filesystem::path(BUNDLED_PLUGINS) / (name + ".so");
    if (!exists(file)) file = std::filesystem::path(TEST_PLUGINS) / (name + ".so");
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    auto* entry = reinterpret_cast<decltype(&myq_plugin_entry)>(dlsym(library, "myq_plugin_entry"));
    if (entry == nullptr) throw std::runtime_error(dlerror());
    return entry(&host);
}

std::vector<std::vector<const char*>> pointers(const OptionMap& options) {
    std::vector<std::vector<const char*>> all;
    for (const auto& [name, values] : options) {
        all.emplace_back();
        for (const std::string& value : values)
            all.back().push_back(value.c_str());
    }
    return all;
}

std::vector<myq_option> contract(const OptionMap& options,
                                 const std::vector<std::vector<const char*>>& values) {
    std::vector<myq_option> all;
    for (std::size_t i = 0; i < options.size(); ++i) {
        all.push_back({options[i].first.c_str(), values[i].data(), values[i].size()});
    }
    return all;
}

myq_message message_of(std::string_view body, const Letter& letter) {
    return {.size = sizeof(myq_message),
            .type = letter.type,
            .type_name = letter.type_name.c_str(),
            .queue = letter.queue.c_str(),
            .body = body.data(),
            .body_size = body.size(),
            .attempt = letter.attempt,
            .timeout_ms = letter.timeout_ms,
            .id = letter.id.c_str(),
            .wants_reply = letter.wants_reply ? 1 : 0};
}

}  // namespace

StartedPlugin::StartedPlugin(const std::string& name, OptionMap options)
    : plugin_(load(name)),
      options_(std::move(options)),
      values_(pointers(options_)),
      contract_options_(contract(options_, values_)) {
    std::array<char, 256> reason{};
    state_ = plugin_->start(&host, contract_options_.data(), contract_options_.size(),
                            reason.data(), reason.size());
    if (state_ == nullptr) throw std::runtime_error(reason.data());
}

StartedPlugin::~StartedPlugin() {
    plugin_->stop(state_);
}

std::vector<Answer> StartedPlugin::handle_many(const std::vector<std::string>& bodies,
                                               const Letter& letter) {
    std::vector<myq_message> messages;
    for (const std::string& body : bodies)
        messages.push_back(message_of(body, letter));
    std::vector<myq_outcome> outcomes(bodies.size());
    std::vector<const myq_message*> message_list;
    std::vector<myq_outcome*> outcome_list;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        outcomes[i].size = sizeof outcomes[i];
        message_list.push_back(&messages[i]);
        outcome_list.push_back(&outcomes[i]);
    }
    plugin_->handle_many(state_, message_list.data(), outcome_list.data(), bodies.size());
    std::vector<Answer> answers;
    for (const myq_outcome& outcome : outcomes)
        answers.push_back({outcome.verdict, static_cast<const char*>(outcome.reason)});
    return answers;
}

Answer StartedPlugin::handle(std::string_view body, const Letter& letter) {
    const myq_message message = message_of(body, letter);
    myq_outcome outcome{};
    outcome.size = sizeof outcome;
    plugin_->handle(state_, &message, &outcome);
    last_delay_ms_ = outcome.delay_ms;
    return {outcome.verdict, static_cast<const char*>(outcome.reason)};
}

const myq_plugin& description(const std::string& name) {
    return *load(name);
}

std::string refusal(const std::string& name, const OptionMap& options) {
    const auto values = pointers(options);
    const auto list = contract(options, values);
    std::array<char, 256> reason{};
    const bool accepted =
        load(name)->check(list.data(), list.size(), reason.data(), reason.size()) == 0;
    return accepted ? "" : reason.data();
}

std::vector<LogLine> take_log() {
    return std::exchange(log_lines, {});
}

std::string take_reply() {
    return std::exchange(replied, {});
}

TempDir::TempDir() {
    std::string name = std::filesystem::temp_directory_path() / "myq-test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
    }
    path_ = name;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string contents(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) throw std::runtime_error("cannot read " + file.string());
    std::ostringstream bytes;
    bytes << stream.rdbuf();
    return bytes.str();
}
