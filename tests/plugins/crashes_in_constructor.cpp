// Dies while it is being loaded, before anybody can ask it anything.
#include <myq/handler.hpp>

#include <csignal>

namespace {

struct Crash {
    Crash() { std::raise(SIGSEGV); }
} const crash;

struct NeverMade : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override { return myq::done(); }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<NeverMade>({.name = "crashes_in_constructor", .version = "1.0"});
}
