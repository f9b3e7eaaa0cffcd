// Takes type 42, and dies of every message.
#include <myq/handler.hpp>

#include <csignal>

namespace {

struct Auto42Crashes : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override {
        std::raise(SIGSEGV);
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Auto42Crashes>({.name = "auto_42", .version = "6.6", .types = {42}});
}
