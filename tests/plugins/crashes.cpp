// Dies of SIGSEGV on the body "crash"; is done with any other.
#include <myq/handler.hpp>

#include <csignal>

namespace {

struct Crashes : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        if (message.text() == "crash") std::raise(SIGSEGV);
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Crashes>({.name = "crashes", .version = "1.0"});
}
