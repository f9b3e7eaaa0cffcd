// Has words that a terminal would obey wherever a plugin may have any. A handler with an option "x"
// is refused with them.
#include <myq/handler.hpp>

#include <unistd.h>

#include <stdexcept>
#include <string>

namespace {

// Clear the screen, C1's CSI, DEL, right-to-left override, an end of line, zero width, a byte that
// is no text; and plain text that is not ASCII.
#define ESCAPES                                                                                    \
    "\x1b[2J \xc2\x9b"                                                                             \
    "31m \x7f \xe2\x80\xae \xe2\x80\xa8 \xe2\x80\x8b \xff \r\nmyqd: f\xc3\xbcr"

[[gnu::constructor]] void speak() {
    constexpr char words[] = "loaded " ESCAPES "\n";
    [[maybe_unused]] const auto count = ::write(STDERR_FILENO, words, sizeof words - 1);
}

struct SaysEscapes : myq::Handler {
    using Handler::Handler;
    myq::Outcome handle(const myq::Message&) override {
        log(myq::Level::info, "log " ESCAPES);
        return myq::reject("reject " ESCAPES);
    }
};

}  // namespace

const myq_plugin* myq_plugin_entry(const myq_host*) {
    return myq::plugin<SaysEscapes>({.name = "says_escapes",
                                     .version = "1.0",
                                     .options = {{.name = "x"}},
                                     .check = [](const myq::Options& options) {
                                         if (options.has("x"))
                                             throw std::invalid_argument("refused " ESCAPES);
                                     }});
}
