// The example at the head of <myq/handler.hpp>, as it stands there, and with nothing before it.
#include <myq/handler.hpp>

struct Hello : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        log(myq::Level::info, "hello, " + std::string(message.text()));
        return myq::done();
    }
};

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Hello>({.name = "hello", .version = "1.0", .types = {42}});
}
