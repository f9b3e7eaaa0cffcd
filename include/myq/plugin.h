/* The contract between myqd and a plugin. C, so that any language can keep it.
 *
 * A plugin is one shared object, NAME.so, that exports one symbol: myq_plugin_entry(). C++ authors
 * want <myq/handler.hpp>, which is a thin face over this file.
 *
 * Life of a plugin
 *   describe   myq_plugin_entry() returns a struct myq_plugin: who it is, which options it knows,
 *              which message types it takes by default. In a throw-away process first, then in
 *              every worker. It must be pure: no files, no threads, no connections.
 *   check      (optional) judges its options; in the throw-away process, never in a worker.
 *   start      once in every worker, before the first message.
 *   handle     once for every message. One thread calls, one message at a time: the way to more
 *              speed is more workers, not threads.
 *   handle_many  (optional) once for many messages, in place of handle, for a plugin to which many
 *              at once are less work than one after the other.
 *   stop       once, when the worker leaves in order. A plugin is never unloaded; a worker that
 *              crashes or is killed just ends.
 *
 * Versions
 *   Every struct that crosses the line begins with its size. Each side uses only the members that
 *   lie inside the size the other side gave; members are only ever added at the end, with a new
 *   minor number. A different major number is refused with both numbers in the sentence.
 *
 * Text is UTF-8 or any bytes without NUL; myqd escapes what it logs. Nothing the daemon hands out
 * may be kept after the call returns, unless it says so. No exception may leave a plugin. */
#ifndef MYQ_PLUGIN_H
#define MYQ_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define MYQ_ABI_MAJOR 1
#define MYQ_ABI_MINOR 3

/* The most messages in one call of handle_many(). */
#define MYQ_MOST_AT_ONCE 256

#ifdef __cplusplus
extern "C" {
#endif

/* How grave a log line is; the numbers are fixed. */
enum myq_level { MYQ_DEBUG = 0, MYQ_INFO = 1, MYQ_WARN = 2, MYQ_ERROR = 3 };

/* What became of a message. */
enum myq_verdict {
    MYQ_DONE = 0,  /* handled; the message is over */
    MYQ_RETRY = 1, /* not now; try again later */
    MYQ_REJECT = 2 /* never: no further try can help */
};

/* One message, as handle() sees it. Valid during the call. */
struct myq_message {
    size_t size;           /* of this struct */
    int64_t type;          /* 1 to 2^63-1 */
    const char* type_name; /* the handler's `name:` in the config, "" for none */
    const char* queue;     /* the queue's name in the config */
    const void* body;      /* read-only: a store into it ends the worker; never NULL */
    size_t body_size;      /* bytes, 0 to kernel.msgmax; nothing terminates the body */
    uint32_t attempt;      /* 1 at first; more when a worker died with this message before */
    int64_t timeout_ms; /* how long this call may take before the worker is killed, 0: no limit */
    const char* id;     /* since 1.1: 32 hex digits that stay the same at every attempt, or "" for a
                           message whose sender gave none */
    int32_t wants_reply; /* since 1.2: not 0 if its sender waits for a reply */
};

/* What handle() answers. Filled in by the plugin; comes zeroed, but for its size. */
struct myq_outcome {
    size_t size;      /* of this struct */
    int32_t verdict;  /* enum myq_verdict; anything else counts as MYQ_REJECT */
    int64_t delay_ms; /* with MYQ_RETRY: the earliest next try, 0: the queue's own policy */
    char reason[256]; /* for the log and `myq dead`, NUL-terminated, "" for none */
};

/* One option from the config: `name: value` has one value, `name: [a, b]` has two. */
struct myq_option {
    const char* name;
    const char* const* values; /* value_count texts, each NUL-terminated */
    size_t value_count;
};

/* What the daemon offers. Valid until the process ends; every function may be called at any time
 * from the thread that runs the plugin. */
struct myq_host {
    size_t size; /* of this struct */
    uint32_t abi_major, abi_minor;
    const char* version; /* the daemon's, such as "0.1.0" */

    /* Writes one line to the daemon's log, with the plugin's name before it. */
    void (*log)(int level, const char* text, size_t text_size);

    /* Not 0 once the daemon wants this worker to leave: a handler that loops should come to an
     * end. The message may still be finished within daemon.stop_timeout. */
    int (*should_stop)(void);

    /* Since 1.1. The call in progress may take `more_ms` from now on, however much of its timeout
     * is left; nothing where there is no timeout. For work that is long and shows that it goes on.
     */
    void (*touch)(int64_t more_ms);

    /* Since 1.2. Adds bytes to the reply that the sender of the message in hand waits for; it is
     * sent when the message is over, done or rejected, and an attempt that fails replies nothing.
     * 0; -1 when the reply is longer now than the daemon keeps, so that the sender gets none of it.
     * Does nothing, and is 0, where nobody waits. */
    int (*reply)(const void* data, size_t size);

    /* Since 1.2. Tells a sender that waits how far the call in progress is: `done` of `total`, 0
     * for unknown, and a few words, at most 512 bytes. As often as you like: what comes too often
     * is left out. */
    void (*progress)(uint64_t done, uint64_t total, const char* text, size_t text_size);
};

/* What an option is, so that myqd -t can refuse a wrong one by its line in the config. */
enum myq_option_kind {
    MYQ_OPTION_TEXT = 0,
    MYQ_OPTION_INTEGER = 1,  /* decimal, 64 bits, signed */
    MYQ_OPTION_BOOLEAN = 2,  /* true or false */
    MYQ_OPTION_DURATION = 3, /* a number with ms, s, m, h or d, such as 30s */
    MYQ_OPTION_PATH = 4,     /* absolute */
    MYQ_OPTION_LIST = 5      /* one text or more */
};

struct myq_option_spec {
    const char* name;
    int32_t kind;              /* enum myq_option_kind */
    int32_t required;          /* not 0: the config must set it */
    const char* default_value; /* for people to read, NULL for none */
    const char* help;          /* one line */
};

/* What a plugin is. Must stay valid until the process ends. */
struct myq_plugin {
    size_t size; /* of this struct */
    uint32_t abi_major, abi_minor;
    const char* name;    /* what the log and `myqd -t` call it; normally the file name */
    const char* version; /* the plugin's own, such as "1.2.0" */

    /* Types that are routed to this plugin when the config says nothing of them. */
    const int64_t* types;
    size_t type_count;

    /* Every option the plugin knows. Any other in the config is refused, before check(). */
    const struct myq_option_spec* options;
    size_t option_count;

    /* Says 0 if a worker could start with these options, else not 0 and a sentence in `reason`
     * (reason_size bytes, NUL-terminated). Must change nothing. NULL: nothing to check. */
    int (*check)(const struct myq_option* options, size_t option_count, char* reason,
                 size_t reason_size);

    /* Makes the state that handle() and stop() are given. NULL means failure, with a sentence in
     * `reason`. A handler that appears twice in the config is started twice, each with its options.
     * `host` and `options` stay valid until the process ends. */
    void* (*start)(const struct myq_host* host, const struct myq_option* options,
                   size_t option_count, char* reason, size_t reason_size);

    /* Deals with one message. */
    void (*handle)(void* state, const struct myq_message* message, struct myq_outcome* outcome);

    /* Ends what start() made. NULL: nothing to end. */
    void (*stop)(void* state);

    /* Since 1.3, and optional: both or neither.
     *
     * most_at_once() is asked once, after start(): how many messages handle_many() takes in one
     * call. The daemon gives no more than it has room for (MYQ_MOST_AT_ONCE messages, 256 KiB);
     * with 0 or 1 there are no such calls.
     *
     * handle_many() deals with `count` messages, 2 or more, in the order of the queue, and leaves
     * an outcome for each: outcomes[i] is for messages[i] and comes as handle() gets its own,
     * zeroed but for its size, which means done. A worker never waits for more messages to come: it
     * takes those that are there.
     *
     * What comes alone, goes to handle(): a message with none behind it; one that was tried before,
     * so that in a call of many `attempt` is 1; one whose sender waits for a reply; one whose body
     * is large or has a `format:` in the config; and every message where the config allows one
     * attempt only.
     *
     * timeout_ms is for the whole call, the same in every message, and so is touch(); reply() and
     * progress() do nothing, as nobody waits. If the call does not come back, each of its messages
     * counts it as an attempt and goes to handle(), so that the one to blame is found: whatever
     * the call had done by then is done again, for all of them. */
    size_t (*most_at_once)(void* state);
    void (*handle_many)(void* state, const struct myq_message* const* messages,
                        struct myq_outcome* const* outcomes, size_t count);
};

/* The one exported symbol. Returns NULL if the plugin cannot live with `host` at all. */
__attribute__((visibility("default"))) const struct myq_plugin*
myq_plugin_entry(const struct myq_host* host);

#ifdef __cplusplus
}
#endif

#endif
