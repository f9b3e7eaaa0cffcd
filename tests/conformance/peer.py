"""A peer for `conversation`, through the module sysv_ipc."""
import sys

import sysv_ipc


def ftok(path, project):
    print(sysv_ipc.ftok(path, ord(project), silence_warning=True))


def send(queue, message_type):
    queue.send(sys.stdin.buffer.read(), type=int(message_type))


def receive(queue, message_type):
    body, _ = queue.receive(block=False, type=int(message_type))
    sys.stdout.buffer.write(body)


def stat(queue):
    names = {
        "key": queue.key,
        "id": queue.id,
        "cuid": queue.cuid,
        "cgid": queue.cgid,
        "msg_perm.uid": queue.uid,
        "msg_perm.gid": queue.gid,
        "msg_perm.mode": queue.mode,
        "msg_stime": queue.last_send_time,
        "msg_rtime": queue.last_receive_time,
        "msg_ctime": queue.last_change_time,
        "msg_qnum": queue.current_messages,
        "msg_qbytes": queue.max_size,
        "msg_lspid": queue.last_send_pid,
        "msg_lrpid": queue.last_receive_pid,
    }
    for name, value in names.items():
        print(f"{name}:{value}")


verb, first, *others = sys.argv[1:]
if verb == "ftok":
    ftok(first, *others)
else:
    # Opening asks for the rights in `mode`, and for reading and writing by default: senders of
    # group myq-send may only write.
    mode = 0o200 if verb == "send" else 0o600
    peer_queue = sysv_ipc.MessageQueue(int(first, 0), mode=mode, max_message_size=65536)
    {"send": send, "receive": receive, "stat": stat}[verb](peer_queue, *others)
