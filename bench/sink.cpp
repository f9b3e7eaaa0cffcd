// The plugin that does nothing, and says so when it is asked.
#include "bench/mark.hpp"

#include <myq/handler.hpp>

#include <unistd.h>

namespace {

using myq::bench::Wanted;

class Sink : public myq::Handler {
public:
    using Handler::Handler;

    myq::Outcome handle(const myq::Message& message) override {
        myq::bench::Mark mark;
        if (!myq::bench::answer_if_asked(message.body(), mark)) return myq::reject("cannot answer");
        if (mark.wanted == Wanted::a_death && message.attempt() == 1) {
            while (!should_stop())
                ::pause();
        }
        if (message.wants_reply()) reply(message.body());
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Sink>({.name = "sink", .version = "1.0"});
}
