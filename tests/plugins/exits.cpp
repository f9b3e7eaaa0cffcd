// Leaves the process in the middle of a message, with an exit status that looks like success.
#include <myq/handler.hpp>

#include <cstdlib>

namespace {

struct Exits : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override { std::exit(0); }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Exits>({.name = "exits", .version = "1.0"});
}
