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

    // Whether a plugin that names its own types is routed with no line in `handlers`. Applied on
    // reload.
    bool auto_route = true;

    // Whether a plugin's file that appears, is replaced or removed is noticed at once, tried on one
    // worker and then used by all. If not: when the daemon starts and on reload, for all workers
    // together. Applied on reload.
    bool watch = true;
};

// journal:
struct JournalConfig {
    // Where journal.db is. Made if missing, for the daemon's user, mode 0700. Empty: /var/lib/myq
    // for root and for /etc/myq/myq.yaml, else $XDG_STATE_HOME/myq or ~/.local/state/myq. Applied
    // at start only.
    std::filesystem::path dir;

    // The largest that journal.db may grow, 1MiB to 1TiB. Then, and while less than `min_free` is
    // left on its disk, new messages are refused to senders that ask for a confirmation, and wait
    // in the kernel queue otherwise; what is in the journal is worked on. Applied on reload.
    std::uint64_t max_size = std::uint64_t{1} << 30U;
    std::uint64_t min_free = std::uint64_t{64} << 20U;  // 0 to 1TiB
};

// One entry of an `options:` map. A scalar is a list of one; what the values mean is the plugin's
// business.
struct OptionConfig {
    std::string name;
    std::vector<std::string> values;
    std::string where;  // "myq.yaml:12:9", for whoever refuses it later
};

// queues: retry: and queues: handlers: retry:
struct RetryConfig {
    // How often a message may be tried, 1 to 1000; then it is dead.
    int attempts = 5;

    // How long after the first failed attempt the second is due, and so on, each time doubled, up
    // to max_delay. 0s to 30d. A handler that names its own delay overrides this.
    std::chrono::milliseconds delay = std::chrono::seconds{1};
    std::chrono::milliseconds max_delay = std::chrono::minutes{10};

    // By how much of itself, in percent, a delay is made longer or shorter at random, so that what
    // failed together is not tried together. 0 to 100.
    int jitter = 10;
};

// queues: handlers:
struct HandlerConfig {
    // 1 to 2^63-1; nullopt is `any`: whatever no other handler takes.
    std::optional<std::int64_t> type;

    // What people call the type, as in `myq send jobs/resize`. Unique in its queue; empty for none.
    std::string name;

    // The file name in plugins.dir, without ".so".
    std::string plugin;

    // What the bodies are, and what the handler gets of them. raw: the bytes as they came. php:
    // what PHP's serialize() wrote, so what msg_send() sends unless told otherwise; the handler
    // gets it as JSON, a plain string as its bytes. json: the handler gets no body that is not
    // JSON. A body that is something else is dead at once, with the reason.
    enum class Format { raw, php, json };
    Format format = Format::raw;

    // The longest one call may take; then the worker is killed and the attempt has failed. Not set:
    // as long as it likes. 10ms to 24h.
    std::optional<std::chrono::milliseconds> timeout;

    // In place of the queue's. A key that is left out here is the queue's.
    std::optional<RetryConfig> retry;

    std::vector<OptionConfig> options;

    std::string where;  // "myq.yaml:12:9"
};

// queues: receivers:
struct ReceiverConfig {
    Selector types = Selector::any();
    int count = 1;  // workers with this selector, 1 to 256
};

// queues: sandbox: what the workers of a queue may do, and so its handlers, which share their
// processes. Whatever it says, they can then touch neither the journal, nor other queues' slots and
// messages, nor other processes; see SANDBOX in myq.yaml(5). Refused where the kernel cannot do it.
struct SandboxConfig {
    // Memory that a worker may take for its handlers (RLIMIT_AS, beyond what it has itself). Not
    // set: no limit. 1MiB to 1TiB.
    std::optional<std::uint64_t> memory;

    // Processor time of one worker. With half of it used up it leaves for a fresh one after its
    // message; with all of it it is ended (RLIMIT_CPU). Not set: no limit. 2s to 24h.
    std::optional<std::chrono::milliseconds> cpu;

    // Descriptors that a process may have open (RLIMIT_NOFILE). Not set: the daemon's. 32 to
    // 1048576.
    std::optional<int> files;

    // Processes that daemon.user may have in all when one is added from in here (RLIMIT_NPROC). 0:
    // none may be started, also in place of this one. Not set: no limit. 0 to 1048576.
    std::optional<int> processes;

    // Files and directories, absolute, that may be read and run beside what programs need
    // (/usr, /etc, /proc...), and that may be written. Each must exist, and may have nothing to do
    // with run_dir, the journal or the slots.
    std::vector<std::filesystem::path> read, write;

    // Whether sockets may be made, of whatever kind.
    bool network = true;
};

// queues: recycle:
struct RecycleConfig {
    // When a worker leaves for a fresh one, which comes up first; one at a time, and each limit
    // 10 % less or more at random, so that workers do not all leave together. Not set: never.
    std::optional<std::uint64_t> max_messages;         // 1 to 2^63-1
    std::optional<std::chrono::milliseconds> max_age;  // 1s to 365d
    std::optional<std::uint64_t> max_rss;              // resident bytes, 1MiB to 1TiB
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

    // The longest body that is taken. What does not fit into a kernel message comes in shared
    // memory
    // ("blob" in docs/wire-format.md), which counts against kernel.shmall and in which a worker
    // keeps a copy. 0: only what fits into a kernel message; at most 512MiB, and half of
    // journal.max_size, where a body goes that is not handled at once. Default 64MiB, or that half.
    // Senders look at it too. With a sandbox it is 0: shared memory is outside. Applied on reload.
    std::uint64_t max_body = std::uint64_t{64} << 20U;

    // How far off a message with a unique key may be due: all senders share the keys of a queue,
    // and one that waits keeps its key from everybody. A later one is dead. 0s: none may wait; at
    // most 3650d.
    std::chrono::milliseconds max_keyed_delay = std::chrono::hours{7 * 24};

    // Users besides root and daemon.user whose existing queue under this key is accepted.
    std::vector<std::string> creators;

    // What an accepted message survives. memory: the death of every process; journal: a power cut
    // too, once confirmed. With journal every message goes through the journal, and `receivers`
    // take it from there.
    enum class Durability { memory, journal };
    Durability durability = Durability::memory;

    // What happens when the kernel queue is nearly full: senders wait (block), or the oldest
    // messages are moved to the journal and handled from there, out of their order (journal). A
    // journaled queue is always relieved.
    enum class Overflow { block, journal };
    Overflow overflow = Overflow::block;

    // Whether a stop moves what waits in the kernel queue, and in slots, to the journal, so that it
    // survives a reboot. The queue is then closed to senders (mode 0600) until the next start. A
    // journaled queue is always drained.
    bool drain = false;

    std::vector<ReceiverConfig> receivers = {ReceiverConfig{}};
    RetryConfig retry;
    RecycleConfig recycle;
    std::optional<SandboxConfig> sandbox;  // not set: there is none
    std::vector<HandlerConfig> handlers;

    std::string where;  // "myq.yaml:12:5"
};

struct Config {
    std::filesystem::path source;  // the file it was read from, absolute
    DaemonConfig daemon;
    LogConfig log;
    PluginsConfig plugins;
    JournalConfig journal;
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

// A file with what stands behind `options:` of a handler, and nothing else. As load_config().
std::vector<OptionConfig> load_options(const std::filesystem::path& file);

// The same as load_config() from text; `file` is what messages call it.
Config parse_config(std::string_view text, const std::filesystem::path& file,
                    const std::filesystem::path& default_plugins_dir);

}  // namespace myq
