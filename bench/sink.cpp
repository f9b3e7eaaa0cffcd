// The plugin that does nothing, and says so when it is asked.
#include "bench/mark.hpp"

#include <myq/handler.hpp>

namespace {

class Sink : public myq::Handler {
public:
    using Handler::Handler;

    myq::Outcome handle(const myq::Message& message) override {
        const auto body = std::as_bytes(std::span(message.text()));
        return myq::bench::answer_if_asked(body) ? myq::done() : myq::reject("cannot answer");
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Sink>({.name = "sink", .version = "1.0"});
}
