/* send KEY TYPE BODY */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

struct message {
    long type;
    char body[];
};

int main(int argc, char** argv) {
    if (argc != 4) {
        fputs("usage: send KEY TYPE BODY\n", stderr);
        return 64;
    }
    const int queue = msgget((key_t)strtoul(argv[1], NULL, 0), 0);
    if (queue < 0) {
        perror("send: msgget");
        return 69;
    }
    const size_t size = strlen(argv[3]);
    struct message* message = malloc(sizeof *message + size);
    if (message == NULL) {
        perror("send");
        return 71;
    }
    message->type = strtol(argv[2], NULL, 10);
    memcpy(message->body, argv[3], size);
    const int result = msgsnd(queue, message, size, 0);
    if (result < 0) perror("send: msgsnd");
    free(message);
    return result < 0 ? 1 : 0;
}
