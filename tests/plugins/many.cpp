// Takes up to eight messages in one call, or as many as the option `most` says, and logs which:
// "many: one two three". One that comes alone is logged as "alone: one, attempt 1". What the body
// begins with is done, also in the middle of a call:
//
//   retry reject throw     as it says           forget   no outcome
//   crash hang             ends the worker, or holds it until somebody else does
//   touch                  a minute more        late     500 ms
//   tell                   reply() and progress()
#include <myq/handler.hpp>

#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

class Many : public myq::Handler {
public:
    explicit Many(const myq::Start& start)
        : Handler(start),
          most_(static_cast<std::size_t>(start.options.integer("most", 8))) {}

    std::size_t most_at_once() const override { return most_; }

    myq::Outcome handle(const myq::Message& message) override {
        log(myq::Level::info, "alone: " + std::string(message.text()) + ", attempt " +
                                  std::to_string(message.attempt()));
        return obey(message.text());
    }

    void handle_many(myq::Messages& messages) override {
        std::string all = "many:";
        for (std::size_t i = 0; i < messages.size(); ++i) {
            all += ' ' + std::string(messages[i].text());
            if (messages[i].attempt() != 1 || messages[i].wants_reply()) all += " (not new)";
            if (!messages[i].id().empty()) all += " id " + std::string(messages[i].id());
        }
        log(myq::Level::info, all);
        for (std::size_t i = 0; i < messages.size(); ++i) {
            const bool is_forgotten = messages[i].text().starts_with("forget");
            const myq::Outcome outcome = obey(messages[i].text());
            if (!is_forgotten) messages.settle(i, outcome);
        }
    }

private:
    myq::Outcome obey(std::string_view body) const {
        if (body.starts_with("retry")) return myq::retry("told to retry");
        if (body.starts_with("reject")) return myq::reject("told to reject");
        if (body.starts_with("throw")) throw std::runtime_error("told to throw");
        if (body.starts_with("touch")) touch(std::chrono::minutes{1});
        if (body.starts_with("crash")) std::raise(SIGSEGV);
        if (body.starts_with("hang")) {
            for (;;)
                ::pause();
        }
        if (body.starts_with("late")) {
            const timespec late{0, 500'000'000};
            ::nanosleep(&late, nullptr);
        }
        if (body.starts_with("tell")) {
            reply(body);
            progress(1, 2, body);
        }
        return myq::done();
    }

    std::size_t most_;
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Many>({
        .name = "many",
        .version = "1.0",
        .options = {{.name = "most", .kind = MYQ_OPTION_INTEGER}},
    });
}
