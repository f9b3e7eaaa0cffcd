// Everything that makes a plugin unsafe; see its build in CMakeLists.txt. Works all the same.
#include <myq/handler.hpp>

#include <unistd.h>

// A unique symbol: one for all plugins in a process.
inline int& shared_with_everybody() {
    static int count = 0;
    return count;
}

extern "C" int exported_by_accident();
extern "C" int exported_by_accident() {
    return ++shared_with_everybody();
}

// An address in the code, to be written when it is loaded: a text relocation.
__asm__(".text\n.balign 8\n.quad exported_by_accident\n");

namespace {

struct Unsafe : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message& message) override {
        if (message.text() == "end") ::_exit(exported_by_accident());
        return myq::done();
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<Unsafe>({.name = "unsafe", .version = "1.0"});
}
