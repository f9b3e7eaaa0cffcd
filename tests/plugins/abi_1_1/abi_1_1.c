/* A plugin that was built when the contract was 1.1, with the header of then: it is loaded and
 * handles messages, whatever the daemon's contract has grown by. */
#include <myq/plugin.h>

#include <stdio.h>

static const struct myq_host* daemon_host;

static void* start(const struct myq_host* host, const struct myq_option* options, size_t count,
                   char* reason, size_t reason_size) {
    (void)options, (void)count, (void)reason, (void)reason_size;
    daemon_host = host;
    return &daemon_host;
}

static void handle(void* state, const struct myq_message* message, struct myq_outcome* outcome) {
    char line[64];
    int size;
    (void)state;
    size = snprintf(line, sizeof line, "%zu bytes, %zu of the host", message->body_size,
                    sizeof *daemon_host);
    daemon_host->log(MYQ_INFO, line, (size_t)size);
    if (message->body_size == 0) {
        outcome->verdict = MYQ_REJECT;
        snprintf(outcome->reason, sizeof outcome->reason, "nothing in it");
    }
}

static const struct myq_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = MYQ_ABI_MAJOR,
    .abi_minor = MYQ_ABI_MINOR,
    .name = "abi_1_1",
    .version = "1.0",
    .start = start,
    .handle = handle,
};

const struct myq_plugin* myq_plugin_entry(const struct myq_host* host) {
    (void)host;
    return &plugin;
}
