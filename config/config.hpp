#pragma once

#include "ipc/message_queue.hpp"
#include "ipc/queue_key.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// What /etc/myq/myq.yaml says, as plain structs. A Config that exists is valid: types, ranges,
// unknown and duplicate keys are checked once, in load_config(), and nowhere else. What only the
// running machine can tell (does this user exist, may this plugin be loaded) is not checked here.
namespace myq {

// daemon:
struct DaemonConfig {
    // The user and group that every process runs as once start-up is over. Applied at start only,
    // and only when started by root.
    std::string user = "myq";
    std::string group = "myq";

    // How long running handlers may take to finish on stop, before their worker is killed; the
    // message then stays in its slot and is handled after the next start. 0s to 1h.
    std::chrono::milliseconds stop_timeout = std::chrono::seconds{10};

    // Where the pid file and, on a tmpfs, the slots are. Empty: /run/myq for root and for
    // /etc/myq/myq.yaml, else $XDG_RUNTIME_DIR/myq or /tmp/myq-UID. Applied at start only.
    std::filesystem::path run_dir;

    // PR_SET_NO_NEW_PRIVS: no handler can gain rights by a set-user-id program. Off only for
    // handlers that need one, such as one that calls sendmail. Applied at start only.
    bool no_new_privs = true;

    // CAP_IPC_OWNER kept for workers, for handlers that must reach IPC objects whose modes shut
    // them out (keep_capabilities: [ipc_owner]). Applied at start only.
    bool keep_ipc_owner = false;
};

// log:
struct LogConfig {
    enum class Level { debug, info, warn, error };
    enum class Target { file, syslog, standard_error };

    // What is left out: everything below it. Applied on reload.
    Level level = Level::info;

    // Where lines go. Applied at start only.
    Target target = Target::file;

    // For target file; opened for appending, reopened on SIGUSR1, never through a symbolic link.
    std::filesystem::path file = "/var/log/myq/myqd.log";
};

// plugins:
struct PluginsConfig {
    // Where `plugin: NAME` finds NAME.so. The directory, each one above it and the file must belong
    // to root (or to whoever runs an unprivileged daemon) and be writable by nobody else.
    std::filesystem::path dir;

    // Whether a plugin that names its own types is routed with no line in `handlers`. Looked at
    // when the daemon starts and on reload.
    bool auto_route = true;
};

// One entry of an `options:` map. A scalar is a list of one; what the values mean is the plugin's
// business.
struct OptionConfig {
    std::string name;
    std::vector<std::string> values;
    std::string where;  // "myq.yaml:12:9", for whoever refuses it later
};

// queues: handlers:
struct HandlerConfig {
    // 1 to 2^63-1; nullopt is `any`: whatever no other handler takes.
    std::optional<std::int64_t> type;

    // What people call the type, as in `myq send jobs/resize`. Unique in its queue; empty for none.
    std::string name;

    // The file name in plugins.dir, without ".so".
    std::string plugin;

    // The longest one call may take; then the worker is killed and the attempt has failed. Not set:
    // as long as it likes. 10ms to 24h.
    std::optional<std::chrono::milliseconds> timeout;

    std::vector<OptionConfig> options;

    std::string where;  // "myq.yaml:12:9"
};

// queues: receivers:
struct ReceiverConfig {
    Selector types = Selector::any();
    int count = 1;  // workers with this selector, 1 to 256
};

// queues: retry:
struct RetryConfig {
    // How often a message may be tried when its worker crashes or is killed, 1 to 1000.
    int attempts = 5;
};

// queues:
struct QueueConfig {
    // What people call the queue: a letter, then letters, digits, '-', '_' or '.', at most 64 in
    // all. Unique.
    std::string name;

    // A number, or {path: FILE, project: A} for ftok(3). Unique. Never IPC_PRIVATE.
    QueueKey key = QueueKey::private_queue();

    // Who may send: the queue's group, and its permission bits ("0620": the daemon reads and
    // writes, the group writes). Empty: the daemon's own group. Only 0 to 0777, as a quoted octal
    // string.
    std::string group;
    mode_t mode = 0620;

    // msg_qbytes: how many bytes of bodies may wait, and how many messages. 1 to 2^31-1. What the
    // kernel does not grant (kernel.msgmnb without CAP_SYS_RESOURCE) is said and done without.
    // Empty: the kernel's default.
    std::optional<std::uint64_t> capacity;

    // Users besides root and daemon.user whose existing queue under this key is accepted.
    std::vector<std::string> creators;

    std::vector<ReceiverConfig> receivers = {ReceiverConfig{}};
    RetryConfig retry;
    std::vector<HandlerConfig> handlers;

    std::string where;  // "myq.yaml:12:5"
};

struct Config {
    std::filesystem::path source;  // the file it was read from, absolute
    DaemonConfig daemon;
    LogConfig log;
    PluginsConfig plugins;
    std::vector<QueueConfig> queues;  // at least one
};

// Everything that is wrong with a configuration. what() has one line for each mistake,
// "file:line:column: key: reason", in the order of the file.
class ConfigError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Reads a file of at most 1 MiB. `default_plugins_dir` stands where the file names none.
Config load_config(const std::filesystem::path& file,
                   const std::filesystem::path& default_plugins_dir);

// The `daemon:` section of a file that may be broken elsewhere, or everywhere: what cannot be read
// has its default. For whoever must find a running daemon, whatever became of its file since.
DaemonConfig load_daemon_config(const std::filesystem::path& file);

// The same as load_config() from text; `file` is what messages call it.
Config parse_config(std::string_view text, const std::filesystem::path& file,
                    const std::filesystem::path& default_plugins_dir);

}  // namespace myq
