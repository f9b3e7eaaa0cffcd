// Takes type 42, and cannot start.
#include <myq/handler.hpp>

#include <stdexcept>

namespace {

struct Auto42NoStart : myq::Handler {
    explicit Auto42NoStart(const myq::Start& start) : Handler(start) {
        throw std::runtime_error("the printer is on fire");
    }
    myq::Outcome handle(const myq::Message&) override { return myq::done(); }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Auto42NoStart>({.name = "auto_42", .version = "6.7", .types = {42}});
}
