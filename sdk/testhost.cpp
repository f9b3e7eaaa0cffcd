#include "sdk/contract.hpp"

#include <myq/testhost.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <list>
#include <utility>

namespace myq {

namespace {

TestHost::Entry load(const std::filesystem::path& file) {
    // Never closed, as in a worker. With a slash in it, or the system's libraries would be
    // searched.
    void* library = ::dlopen(std::filesystem::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw TestHostError(::dlerror());  // names the file
    void* entry = ::dlsym(library, "myq_plugin_entry");
    if (entry == nullptr)
        throw TestHostError(file.string() + ": exports no myq_plugin_entry(); see <myq/plugin.h>");
    return reinterpret_cast<TestHost::Entry>(entry);  // NOLINT: what dlsym(3) is for
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += (text.empty() ? "" : "\n") + line;
    return text;
}

// Options in the shape of the contract. Keeps what it points to.
class ContractOptions {
public:
    explicit ContractOptions(std::vector<TestOption> options) : options_(std::move(options)) {
        for (const TestOption& option : options_) {
            std::vector<const char*>& texts = values_.emplace_back();
            for (const std::string& value : option.values)
                texts.push_back(value.c_str());
        }
        for (std::size_t i = 0; i < options_.size(); ++i)
            list_.push_back({options_[i].name.c_str(), values_[i].data(), values_[i].size()});
    }
    ContractOptions(const ContractOptions&) = delete;
    ContractOptions& operator=(const ContractOptions&) = delete;

    const myq_option* data() const { return list_.data(); }
    std::size_t size() const { return list_.size(); }

private:
    std::vector<TestOption> options_;
    std::vector<std::vector<const char*>> values_;
    std::vector<myq_option> list_;
};

std::vector<std::string> judge(const myq_plugin& plugin, const ContractOptions& options) {
    std::vector<std::string> sentences;
    for (const OptionProblem& problem : option_problems(plugin, options.data(), options.size())) {
        const std::string subject = problem.name.empty() ? "options" : "options." + problem.name;
        sentences.push_back(subject + ": " + problem.sentence);
    }
    return sentences;
}

constexpr std::size_t longest_reply = std::size_t{1} << 20U;  // as a worker keeps

Outcome to_outcome(myq_outcome& outcome) {
    outcome.reason[sizeof outcome.reason - 1] = '\0';
    const auto verdict = outcome.verdict == MYQ_DONE    ? MYQ_DONE
                         : outcome.verdict == MYQ_RETRY ? MYQ_RETRY
                                                        : MYQ_REJECT;
    return {verdict, static_cast<const char*>(outcome.reason),
            std::chrono::milliseconds{outcome.delay_ms}};
}

// A message as a plugin sees it. Its body is of its very size, so that a sanitizer sees who reads
// past the end; and none of it is kept.
class Shown {
public:
    explicit Shown(const TestMessage& message)
        : message_(message),
          body_(std::make_unique<char[]>(message.body.size())) {
        message_.body.copy(body_.get(), message_.body.size());
        contract_ = {.size = sizeof contract_,
                     .type = message_.type,
                     .type_name = message_.type_name.c_str(),
                     .queue = message_.queue.c_str(),
                     .body = body_.get(),
                     .body_size = message_.body.size(),
                     .attempt = message_.attempt,
                     .timeout_ms = message_.timeout.count(),
                     .id = message_.id.c_str(),
                     .wants_reply = message_.wants_reply ? 1 : 0};
    }
    Shown(const Shown&) = delete;
    Shown& operator=(const Shown&) = delete;

    const myq_message* contract() const { return &contract_; }

    void check() const {
        if (message_.body != std::string_view(body_.get(), message_.body.size()))
            throw TestHostError("the handler wrote into the body, which is read-only in a worker");
    }

private:
    const TestMessage message_;
    std::unique_ptr<char[]> body_;
    myq_message contract_{};
};

myq_outcome no_outcome() {
    myq_outcome outcome{};
    outcome.size = sizeof outcome;
    return outcome;
}

}  // namespace

struct TestHost::Impl {
    Impl(Entry entry, std::vector<TestOption> given) : options(std::move(given)) {
        now = this;
        plugin = describe(entry);
    }
    ~Impl() {
        if (now == this) now = nullptr;
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    // Whose plugin runs: the contract's functions are given no context, since a worker has one
    // host for all.
    static Impl* now;

    static const myq_host& contract() {
        static const myq_host host = {
            .size = sizeof host,
            .abi_major = MYQ_ABI_MAJOR,
            .abi_minor = MYQ_ABI_MINOR,
            .version = "testhost",
            .log = log_line,
            .should_stop = [] { return now != nullptr && now->is_asked_to_stop ? 1 : 0; },
            .touch =
                [](int64_t more_ms) {
                    if (now != nullptr) now->touches.emplace_back(more_ms);
                },
            .reply = collect,
            .progress =
                [](uint64_t done, uint64_t total, const char* text, size_t size) {
                    if (now == nullptr || !now->is_asked) return;
                    now->progress.push_back({done, total, std::string(text, size)});
                },
        };
        return host;
    }

    static void log_line(int level, const char* text, size_t size) {
        if (now == nullptr) return;
        const bool is_known = level >= MYQ_DEBUG && level <= MYQ_ERROR;
        now->log.push_back({is_known ? Level{level} : Level::error, std::string(text, size)});
    }

    static int collect(const void* data, size_t size) {
        if (now == nullptr || !now->is_asked) return 0;
        now->reply_is_too_long = now->reply_is_too_long || size > longest_reply - now->reply.size();
        if (now->reply_is_too_long) return -1;
        now->reply.append(static_cast<const char*>(data), size);
        return 0;
    }

    static const myq_plugin* describe(Entry entry) {
        const myq_plugin* plugin = entry(&contract());
        const std::string problem = contract_problem(plugin, "this test host");
        if (!problem.empty()) throw TestHostError("the plugin " + problem);
        return plugin;
    }

    void begin(bool wants_reply) {
        touches.clear();
        progress.clear();
        reply.clear();
        reply_is_too_long = false;
        is_asked = wants_reply;
    }

    const myq_plugin* plugin = nullptr;
    ContractOptions options;
    void* state = nullptr;
    std::vector<TestLogLine> log;
    std::vector<std::chrono::milliseconds> touches;
    std::vector<TestProgress> progress;
    std::string reply;
    bool is_asked = false;  // the message in hand wants a reply
    bool reply_is_too_long = false;
    bool is_asked_to_stop = false;
};

TestHost::Impl* TestHost::Impl::now = nullptr;

TestHost::TestHost(Entry entry, std::vector<TestOption> options)
    : impl_(std::make_unique<Impl>(entry, std::move(options))) {
    const myq_plugin& plugin = *impl_->plugin;
    if (const auto problems = judge(plugin, impl_->options); !problems.empty())
        throw TestHostError(joined(problems));
    std::array<char, 512> reason{};
    impl_->state = plugin.start(&Impl::contract(), impl_->options.data(), impl_->options.size(),
                                reason.data(), reason.size());
    reason.back() = '\0';
    if (impl_->state == nullptr) {
        throw TestHostError(std::string("plugin ") + plugin.name + " does not start: " +
                            (reason[0] != '\0' ? reason.data() : "it gave no reason"));
    }
}

TestHost::TestHost(const std::filesystem::path& file, std::vector<TestOption> options)
    : TestHost(load(file), std::move(options)) {}

TestHost::~TestHost() {
    Impl::now = impl_.get();
    const myq_plugin& plugin = *impl_->plugin;
    const bool has_stop = plugin.size >= offsetof(myq_plugin, stop) + sizeof plugin.stop;
    if (has_stop && plugin.stop != nullptr) plugin.stop(impl_->state);
}

Outcome TestHost::handle(const TestMessage& message) {
    Impl::now = impl_.get();
    impl_->begin(message.wants_reply);
    const Shown shown(message);
    myq_outcome outcome = no_outcome();
    impl_->plugin->handle(impl_->state, shown.contract(), &outcome);
    shown.check();
    if (outcome.verdict == MYQ_RETRY || impl_->reply_is_too_long) impl_->reply.clear();
    return to_outcome(outcome);
}

std::size_t TestHost::most_at_once() const {
    const myq_plugin& plugin = *impl_->plugin;
    const bool may = plugin.size >= offsetof(myq_plugin, handle_many) + sizeof plugin.handle_many &&
                     plugin.handle_many != nullptr;
    if (!may) return 1;
    Impl::now = impl_.get();
    return std::clamp<std::size_t>(plugin.most_at_once(impl_->state), 1, MYQ_MOST_AT_ONCE);
}

std::vector<Outcome> TestHost::handle_many(const std::vector<TestMessage>& messages) {
    std::vector<Outcome> outcomes;
    const std::size_t most = most_at_once();
    for (std::size_t begin = 0; begin < messages.size(); begin += most) {
        const std::size_t end = std::min(begin + most, messages.size());
        if (end - begin == 1) {
            outcomes.push_back(handle(messages[begin]));
        } else {
            call_many(messages, begin, end, outcomes);
        }
    }
    return outcomes;
}

void TestHost::call_many(const std::vector<TestMessage>& messages, std::size_t begin,
                         std::size_t end, std::vector<Outcome>& outcomes) {
    Impl::now = impl_.get();
    impl_->begin(false);
    std::list<Shown> shown;
    std::vector<const myq_message*> shown_list;
    std::vector<myq_outcome> filled(end - begin, no_outcome());
    std::vector<myq_outcome*> filled_list;
    for (std::size_t i = begin; i < end; ++i) {
        shown_list.push_back(shown.emplace_back(messages[i]).contract());
        filled_list.push_back(&filled[i - begin]);
    }
    impl_->plugin->handle_many(impl_->state, shown_list.data(), filled_list.data(), end - begin);
    for (const Shown& each : shown)
        each.check();
    for (myq_outcome& outcome : filled)
        outcomes.push_back(to_outcome(outcome));
}

const myq_plugin& TestHost::plugin() const {
    return *impl_->plugin;
}

const std::vector<TestLogLine>& TestHost::log() const {
    return impl_->log;
}

bool TestHost::logged(std::string_view text) const {
    return std::any_of(impl_->log.begin(), impl_->log.end(), [&](const TestLogLine& line) {
        return line.text.find(text) != std::string::npos;
    });
}

void TestHost::clear_log() {
    impl_->log.clear();
}

void TestHost::ask_to_stop(bool wanted) {
    impl_->is_asked_to_stop = wanted;
}

const std::string& TestHost::reply() const {
    return impl_->reply;
}

const std::vector<TestProgress>& TestHost::progress() const {
    return impl_->progress;
}

const std::vector<std::chrono::milliseconds>& TestHost::touches() const {
    return impl_->touches;
}

std::vector<std::string> TestHost::problems(Entry entry, const std::vector<TestOption>& options) {
    const Impl host(entry, options);
    return judge(*host.plugin, host.options);
}

std::vector<std::string> TestHost::problems(const std::filesystem::path& file,
                                            const std::vector<TestOption>& options) {
    return problems(load(file), options);
}

}  // namespace myq
