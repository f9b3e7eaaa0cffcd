// How a sender in C makes the queue on which it waits for a confirm, as docs/wire-format.md has it.
#include <sys/ipc.h>
#include <sys/msg.h>

// Gives the queue's id, or -1 with the reason in errno.
int make_reply_queue(uid_t daemon_uid, long token);

int make_reply_queue(uid_t daemon_uid, long token) {
    struct {
        long type;
    } signature = {1}, proof = {token + 1};
    struct msqid_ds status;
    int id = msgget(IPC_PRIVATE, 0600);
    if (id < 0) return -1;
    // Sign it: the kernel keeps who received last. The proof stays in it.
    if (msgsnd(id, &signature, 0, 0) == 0 && msgrcv(id, &signature, 0, 0, 0) == 0 &&
        msgsnd(id, &proof, 0, 0) == 0 && msgctl(id, IPC_STAT, &status) == 0) {
        status.msg_perm.uid = daemon_uid;
        if (msgctl(id, IPC_SET, &status) == 0) return id;
    }
    msgctl(id, IPC_RMID, 0);
    return -1;
}
