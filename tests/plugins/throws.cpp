// Throws on every message: the body, as a std::exception, or an int when the body is "int".
#include <myq/handler.hpp>

#include <stdexcept>
#include <string>

namespace {

struct Throws : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        if (message.text() == "int") throw 42;
        throw std::runtime_error("thrown: " + std::string(message.text()));
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Throws>({.name = "throws", .version = "1.0"});
}
