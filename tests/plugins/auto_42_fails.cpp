// Takes type 42, and is never done with a message.
#include <myq/handler.hpp>

namespace {

struct Auto42Fails : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override { return myq::retry("not today"); }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Auto42Fails>({.name = "auto_42", .version = "6.5", .types = {42}});
}
