/* A plugin in C: includes the contract first and alone, and is compiled as strict C11. */
#include <myq/plugin.h>

#include <string.h>

static int judge(const struct myq_option* options, size_t option_count, char* reason,
                 size_t reason_size) {
    (void)options;
    if (option_count == 0) return 0;
    strncpy(reason, "takes no options", reason_size - 1);
    return 1;
}

static void* begin(const struct myq_host* host, const struct myq_option* options,
                   size_t option_count, char* reason, size_t reason_size) {
    static const struct myq_host* state;
    (void)options;
    (void)option_count;
    (void)reason;
    (void)reason_size;
    state = host;
    return &state;
}

static void take(void* state, const struct myq_message* message, struct myq_outcome* outcome) {
    const struct myq_host* host = *(const struct myq_host**)state;
    host->log(MYQ_INFO, (const char*)message->body, message->body_size);
    outcome->verdict = MYQ_DONE;
}

static const struct myq_plugin plugin = {
    .size = sizeof(struct myq_plugin),
    .abi_major = MYQ_ABI_MAJOR,
    .abi_minor = MYQ_ABI_MINOR,
    .name = "in_c",
    .version = "1.0",
    .check = judge,
    .start = begin,
    .handle = take,
};

const struct myq_plugin* c_plugin(void);
const struct myq_plugin* c_plugin(void) {
    return &plugin;
}
