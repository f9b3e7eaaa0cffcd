// Does what the body says, for tests of callers and of autopsies. A word and its argument:
//
//   echo TEXT      replies TEXT              large N     replies N bytes
//   reject TEXT    replies "half", rejects   fail N      fails N times, then replies its attempt
//   twice TEXT     replies TEXT in two       tell N      N times progress, then replies "told"
//   asked          replies whether somebody waits; done in any case, and logs the same
//   crash TEXT     logs TEXT, then stores through a null pointer
//   abort          abort(3)                  smash       overflows its stack
//   throw          throws where nobody catches
//   exit           exits with 3              hang        logs, and sleeps for ever
//   nap N          logs, sleeps N milliseconds, replies "rested"
#include <myq/handler.hpp>

#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

void nap(std::int64_t ms) {
    timespec left{ms / 1000, ms % 1000 * 1'000'000};
    while (::nanosleep(&left, &left) != 0)
        continue;
}

[[gnu::noinline]] int smash(volatile char* above, int depth) {
    volatile char frame[4096];
    frame[0] = above[0];
    return depth < 0 ? 0 : smash(frame, depth + 1) + frame[0];
}

class Answers : public myq::Handler {
public:
    using Handler::Handler;

    myq::Outcome handle(const myq::Message& message) override {
        const std::string text(message.text());
        const std::string word = text.substr(0, text.find(' '));
        const std::string argument = word.size() < text.size() ? text.substr(word.size() + 1) : "";
        if (word == "reject") {
            reply("half");
            return myq::reject(argument);
        }
        if (word == "fail") {
            reply("not this");
            if (message.attempt() <= std::stoul(argument)) return myq::retry("not yet");
            return done(message.attempt());
        }
        act(word, argument, message);
        return myq::done();
    }

private:
    // The reply of an attempt that failed is forgotten with it.
    myq::Outcome done(std::uint32_t attempt) {
        reply(" but attempt " + std::to_string(attempt));
        return myq::done();
    }

    void act(const std::string& word, const std::string& argument, const myq::Message& message) {
        if (word == "echo") reply(argument);
        if (word == "twice") {
            reply(argument);
            reply(std::as_bytes(std::span(argument)));
        }
        if (word == "large" && !reply(std::string(std::stoul(argument), 'x'))) {
            log(myq::Level::warn, "that is more than is kept");
        }
        if (word == "asked") {
            reply(message.wants_reply() ? "yes" : "no");
            log(myq::Level::info, message.wants_reply() ? "asked" : "not asked");
        }
        if (word == "tell") {
            for (std::uint64_t i = 1; i <= std::stoul(argument); ++i) {
                progress(i, std::stoul(argument), "step\x1b " + std::to_string(i));
                nap(60);
            }
            reply("told");
        }
        if (word == "nap") {
            log(myq::Level::info, "napping");
            nap(std::stol(argument));
            reply("rested");
        }
        end(word, argument);
    }

    void end(const std::string& word, const std::string& argument) {
        if (word == "crash") {
            log(myq::Level::info, argument);
            volatile int* nowhere = nullptr;
            *nowhere = 1;  // NOLINT: that is what it is for
        }
        if (word == "abort") std::abort();
        if (word == "exit") ::_exit(3);
        if (word == "hang") {
            log(myq::Level::warn, "hanging");
            nap(INT64_MAX / 1'000'000);
        }
        if (word == "smash") {
            volatile char first = 0;
            smash(&first, 0);
        }
        if (word == "throw") std::thread([] { throw std::string("into the void"); }).join();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Answers>({
        .name = "answers",
        .version = "1.2.0",
        .options = {{.name = "greeting", .help = "not used"},
                    {.name = "api_token", .help = "not used either"},
                    {.name = "environment", .kind = MYQ_OPTION_LIST, .help = "nor this"},
                    {.name = "headers", .kind = MYQ_OPTION_LIST, .help = "nor this"}},
    });
}
