/* words: counts the words of a text and logs how many there are. In C, with everything that the
 * contract has: options with a schema and a check, state of its own, all three outcomes. */
#include <myq/plugin.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one worker has of one handler. Made by start(), handed to handle() and stop(). */
struct words {
    const struct myq_host* host; /* valid until the process ends */
    unsigned long most;
    unsigned long long total;
};

static const struct myq_option_spec options[] = {
    {.name = "most",
     .kind = MYQ_OPTION_INTEGER,
     .default_value = "1000",
     .help = "a text of more words is refused, 1 to 1000000"},
};

/* The schema has seen to it that there is one value, and that it is a number. 0: out of range. */
static unsigned long most_of(const struct myq_option* given, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (strcmp(given[i].name, "most") != 0) continue;
        const long long most = strtoll(given[i].values[0], NULL, 10);
        return most < 1 || most > 1000000 ? 0 : (unsigned long)most;
    }
    return 1000;
}

static int check(const struct myq_option* given, size_t count, char* reason, size_t reason_size) {
    if (most_of(given, count) != 0) return 0;
    snprintf(reason, reason_size, "option 'most' must be 1 to 1000000");
    return 1;
}

static void* start(const struct myq_host* host, const struct myq_option* given, size_t count,
                   char* reason, size_t reason_size) {
    struct words* words = calloc(1, sizeof *words);
    if (words == NULL) {
        snprintf(reason, reason_size, "no memory");
        return NULL;
    }
    words->host = host;
    words->most = most_of(given, count);
    return words;
}

/* The body ends where its size says, not at a NUL. */
static unsigned long count_words(const unsigned char* text, size_t size) {
    unsigned long count = 0;
    for (size_t i = 0; i < size; ++i)
        count += !isspace(text[i]) && (i == 0 || isspace(text[i - 1]));
    return count;
}

static void handle(void* state, const struct myq_message* message, struct myq_outcome* outcome) {
    struct words* words = state;
    const unsigned long count = count_words(message->body, message->body_size);
    if (count > words->most) {
        outcome->verdict = MYQ_REJECT;
        snprintf(outcome->reason, sizeof outcome->reason, "%lu words are more than %lu", count,
                 words->most);
        return;
    }
    words->total += count;
    char line[100];
    const int size = snprintf(line, sizeof line, "%lu words, %llu so far", count, words->total);
    words->host->log(MYQ_INFO, line, (size_t)size);
    outcome->verdict = MYQ_DONE;
}

static void stop(void* state) {
    free(state);
}

static const int64_t types[] = {8};

static const struct myq_plugin plugin = {
    .size = sizeof plugin,
    .abi_major = MYQ_ABI_MAJOR,
    .abi_minor = MYQ_ABI_MINOR,
    .name = "words",
    .version = "1.0",
    .types = types,
    .type_count = sizeof types / sizeof *types,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .check = check,
    .start = start,
    .handle = handle,
    .stop = stop,
};

const struct myq_plugin* myq_plugin_entry(const struct myq_host* host) {
    (void)host;
    return &plugin;
}
