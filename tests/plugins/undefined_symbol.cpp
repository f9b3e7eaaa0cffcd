// Calls what nobody has.
#include <myq/handler.hpp>

extern "C" void nobody_has_this();

namespace {

struct UndefinedSymbol : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override {
        nobody_has_this();
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<UndefinedSymbol>({.name = "undefined_symbol", .version = "1.0"});
}
