// Writes into the body, which is read-only.
#include <myq/handler.hpp>

namespace {

struct WritesBody : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        if (!message.text().empty()) *const_cast<volatile char*>(message.text().data()) = '!';
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<WritesBody>({.name = "writes_body", .version = "1.0"});
}
