// Takes type 42 when nobody says anything else, and logs it.
#include <myq/handler.hpp>

#include <string>

namespace {

struct Auto42 : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        log(myq::Level::info, "auto_42 got " + std::string(message.text()));
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Auto42>({.name = "auto_42", .version = "1.0", .types = {42}});
}
