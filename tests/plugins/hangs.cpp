// Never answers the body "hang", whatever signals come; is done with any other.
#include <myq/handler.hpp>

#include <unistd.h>

namespace {

struct Hangs : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        while (message.text() == "hang")
            pause();
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Hangs>({.name = "hangs", .version = "1.0"});
}
