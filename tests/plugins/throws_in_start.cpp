// Describes itself well and then cannot start.
#include <myq/handler.hpp>

#include <stdexcept>

namespace {

struct ThrowsInStart : myq::Handler {
    explicit ThrowsInStart(const myq::Start& start) : Handler(start) {
        throw std::runtime_error("the database is on holiday");
    }
    myq::Outcome handle(const myq::Message&) override { return myq::done(); }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<ThrowsInStart>({.name = "throws_in_start", .version = "1.0"});
}
