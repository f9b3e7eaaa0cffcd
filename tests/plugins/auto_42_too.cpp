// Takes type 42 as auto_42 does: one of the two has to give way.
#include <myq/handler.hpp>

#include <string>

namespace {

struct Auto42Too : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        log(myq::Level::info, "auto_42_too got " + std::string(message.text()));
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Auto42Too>({.name = "auto_42_too", .version = "1.0", .types = {42}});
}
