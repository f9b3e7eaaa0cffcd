#include "client/failure.hpp"

#include "client/output.hpp"
#include "config/config.hpp"
#include "ipc/shared_variables_layout.hpp"
#include "journal/journal.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <sstream>
#include <system_error>

namespace myq {

namespace {

ExitCode exit_code(const IpcError& error) {
    switch (error.error()) {
    case ENOENT:
    case EIDRM:
        return ExitCode::unavailable;
    case EACCES:
    case EPERM:
        return ExitCode::permission;
    case EEXIST:
    case ENOSPC:
        return ExitCode::cannot_create;
    case E2BIG:
    case EINVAL:
        return ExitCode::data;
    default:
        return ExitCode::system;
    }
}

ExitCode exit_code(const JournalError& error) {
    switch (error.kind()) {
    case JournalError::Kind::full:
        return ExitCode::try_later;
    case JournalError::Kind::denied:
        return ExitCode::permission;
    case JournalError::Kind::missing:
        return ExitCode::unavailable;
    default:
        return ExitCode::system;
    }
}

ExitCode print(const std::string& text, ExitCode code) {
    // One line each, also for the many mistakes of one config file.
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        say(line);
    }
    return code;
}

}  // namespace

Failure as_failure(const IpcError& error) {
    std::string text = error.what();
    // The library says "meaning; advice", this program "why: what to do".
    if (const std::size_t semicolon = text.find("; "); semicolon != std::string::npos) {
        text[semicolon] = ':';
    }
    return {exit_code(error), text};
}

ExitCode report_current_exception() noexcept {
    try {
        throw;
    } catch (const Failure& e) {
        return print(e.what(), e.code());
    } catch (const IpcError& e) {
        const Failure failure = as_failure(e);
        return print(failure.what(), failure.code());
    } catch (const BadSegment& e) {
        return print(e.what(), ExitCode::data);
    } catch (const JournalError& e) {
        return print(e.what(), exit_code(e));
    } catch (const ConfigError& e) {
        return print(e.what(), ExitCode::config);
    } catch (const std::system_error& e) {
        return print(e.what(), ExitCode::system);
    } catch (const std::exception& e) {
        return print(fmt::format("{}: this is a bug in myq: please report it", e.what()),
                     ExitCode::internal);
    }
}

}  // namespace myq
