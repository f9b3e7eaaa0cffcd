/* recv KEY TYPE */
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>

struct message {
    long type;
    char body[];
};

/* As large as the kernel lets a message be: a smaller buffer would refuse, or cut, the long ones.
 */
static size_t largest_body(void) {
    unsigned long size = 0;
    FILE* limit = fopen("/proc/sys/kernel/msgmax", "r");
    if (limit == NULL || fscanf(limit, "%lu", &size) != 1) size = 8192;
    if (limit != NULL) fclose(limit);
    return size;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        fputs("usage: recv KEY TYPE\n", stderr);
        return 64;
    }
    const int queue = msgget((key_t)strtoul(argv[1], NULL, 0), 0);
    if (queue < 0) {
        perror("recv: msgget");
        return 69;
    }
    const size_t largest = largest_body();
    struct message* message = malloc(sizeof *message + largest);
    if (message == NULL) {
        perror("recv");
        return 71;
    }
    const ssize_t size = msgrcv(queue, message, largest, strtol(argv[2], NULL, 10), 0);
    if (size < 0) {
        perror("recv: msgrcv");
    } else {
        fwrite(message->body, 1, (size_t)size, stdout);
    }
    free(message);
    return size < 0 ? 1 : 0;
}
