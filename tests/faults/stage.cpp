#include "tests/faults/stage.hpp"

#include <fmt/format.h>

namespace myq::test {

namespace {

DaemonProcess::Setup daemon_setup(const Stage::Setup& setup) {
    const std::string queue = fmt::format(
        "durability: {}\n"
        "receivers: {}\n"
        "capacity: {}\n"
        "retry: {{attempts: {}, delay: 10ms}}\n"
        "handlers: [{{type: any, plugin: ledger, options: {{file: {}, most: {}}}{}{}}}]\n"
        "{}",
        setup.durability, setup.receivers, setup.capacity, setup.attempts, Checker::file(),
        setup.most, setup.handler.empty() ? "" : ", ", setup.handler, setup.queue);
    return {{"ledger"}, queue, setup.daemon, setup.journal};
}

}  // namespace

// The limit first: the daemon asks for what it may have.
Stage::Stage(const Setup& setup)
    : most(setup.most),
      daemon((write_file("/proc/sys/kernel/msgmnb", "1048576"), daemon_setup(setup))),
      checker(daemon, setup.messages) {}

}  // namespace myq::test
