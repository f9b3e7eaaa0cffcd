#include "daemon/complain.hpp"
#include "daemon/control.hpp"
#include "daemon/daemon.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/logging.hpp"
#include "daemon/options.hpp"
#include "daemon/trial_command.hpp"

#include <exception>

int main(int argc, char** argv) try {
    using Action = myq::Options::Action;
    const myq::Options options = myq::parse_options(argc, argv);
    myq::open_log({myq::LogConfig::Level::info, myq::LogConfig::Target::standard_error, {}}, {});
    switch (options.action) {
    case Action::start:
        return myq::run_daemon(options);
    case Action::check:
        return myq::check(options);
    case Action::check_plugin:
        return myq::check_plugin(options);
    case Action::try_plugin:
        return myq::try_plugin(options);
    case Action::stop:
        return myq::stop_daemon(options);
    case Action::status:
        return myq::show_status(options);
    case Action::reload:
        return myq::reload_daemon(options);
    case Action::reopen:
        return myq::reopen_log_of_daemon(options);
    case Action::remove_queues:
        return myq::remove_queues(options);
    }
} catch (const std::exception& e) {
    myq::complain(e.what());
    return myq::exit_code(e);
}
