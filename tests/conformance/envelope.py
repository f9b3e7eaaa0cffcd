"""A sender of envelopes that knows docs/wire-format.md and nothing else of myq.

print [OPTION=VALUE...]          the envelope around standard input, to standard output
send KEY TYPE [OPTION=VALUE...]  the same, into a queue
confirm KEY TYPE [...]           the same, and prints the status that the daemon confirms it with
call KEY TYPE [...]              the same, and prints the handler's reply; exits with the status of its end
blob KEY TYPE [OPTION=VALUE...]  as send, with the body in shared memory

Options: id (32 hexadecimal digits), due, delay, expires (milliseconds), unique (a text).
"""
import os
import pwd
import secrets
import struct
import sys

TABLE = []
for value in range(256):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    TABLE.append(value)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def option(tag, value):
    return struct.pack("<HH", tag, len(value)) + value


def envelope(body, options=b"", message_id=None, kind=1):
    message_id = message_id or os.urandom(16)

    def head(crc):
        return struct.pack(
            "<8sBBHIII16s",
            b"\x89myq\r\n\x1a\n", 1, kind, 40 + len(options), len(body), crc, 0, message_id,
        )

    return head(crc32c(head(0) + options + body)) + options + body


def make_reply_queue(daemon_uid):
    import sysv_ipc

    queue = sysv_ipc.MessageQueue(sysv_ipc.IPC_PRIVATE, sysv_ipc.IPC_CREX, mode=0o600)
    queue.send(b"", type=1)  # sign it: the kernel keeps who received last
    queue.receive(type=1)
    # sysv_ipc 1.0 knows no types beyond 31 bits.
    token = secrets.randbelow(2**31 - 2) + 1
    queue.send(b"", type=token + 1)  # the proof, which stays
    queue.uid = daemon_uid
    return queue, token


def wait_for_confirm(queue, token, sequence):
    while True:
        answer, _ = queue.receive(type=token)
        if answer[9] != 5:
            continue
        (head_size,) = struct.unpack_from("<H", answer, 10)
        for first, count, status in struct.iter_unpack("<QII", answer[head_size:]):
            if first <= sequence < first + count:
                return status


def fetch_reply(reference):
    import sysv_ipc

    segment_id, checksum, size, token = struct.unpack("<iIQ16s", reference)
    memory = sysv_ipc.attach(segment_id)
    try:
        head = struct.unpack("<8sIi16sQ", memory.read(40))
        if (head[0], head[1], head[3], head[4]) != (b"\x89myqrepl", 1, token, size):
            raise ValueError("another's shared memory")
        reply = memory.read(size, 64)
        memory.remove()
    finally:
        memory.detach()
    if crc32c(reply) != checksum:
        raise ValueError("the checksum of the reply is wrong")
    return reply


def wait_for_reply(queue, token, sequence, progress=lambda done, total, text: None):
    reply = b""
    while True:
        answer, _ = queue.receive(type=token)
        if answer[9] != 4:
            continue
        (head_size,) = struct.unpack_from("<H", answer, 10)
        number, status, text_size, first, second = struct.unpack_from("<QIIQQ", answer, head_size)
        text, part = answer[head_size + 32 :][:text_size], answer[head_size + 32 + text_size :]
        if number != sequence:
            continue
        if status >= 16:  # news
            if status == 17:
                progress(first, second, text)
            continue
        if status == 1:  # done, but its reply has no room in this queue
            return (0, b"", fetch_reply(part)) if part else (status, text, b"")
        if first == 0:
            reply = b""
        if first == len(reply):
            reply += part
        if len(reply) >= second:
            return status, text, reply


def make_blob(body, queue_key, daemon_uid):
    import sysv_ipc

    token = os.urandom(16)
    memory = sysv_ipc.SharedMemory(
        sysv_ipc.IPC_PRIVATE, sysv_ipc.IPC_CREX, mode=0o700, size=64 + len(body), init_character=b"\0"
    )
    memory.write(struct.pack("<8sIi16sQ", b"\x89myqblob", 1, queue_key, token, len(body)))
    memory.uid = daemon_uid
    memory.mode = 0o600
    memory.write(body, offset=64)
    # Keep the memory attached until the message is sent; the second is the envelope's body.
    return memory, struct.pack("<iIQ16s", memory.id, crc32c(body), len(body), token)


def open_queue(key):
    import sysv_ipc

    return sysv_ipc.MessageQueue(int(key, 0), mode=0o200)


def main(verb, *words):
    place = [word for word in words if "=" not in word]
    given = dict(word.split("=", 1) for word in words if "=" in word)
    options = b""
    for tag, name in (1, "due"), (2, "delay"), (3, "expires"):
        if name in given:
            options += option(tag, struct.pack("<q", int(given[name])))
    if "unique" in given:
        options += option(4, given["unique"].encode())
    message_id = bytes.fromhex(given.get("id", ""))
    body = sys.stdin.buffer.read()

    if verb == "print":
        sys.stdout.buffer.write(envelope(body, options, message_id))
    elif verb == "send":
        open_queue(place[0]).send(envelope(body, options, message_id), type=int(place[1]))
    elif verb == "confirm":
        replies, token = make_reply_queue(pwd.getpwnam("myq").pw_uid)
        options += option(5, struct.pack("<iqQ", replies.id, token, 1))
        open_queue(place[0]).send(envelope(body, options, message_id), type=int(place[1]))
        print(wait_for_confirm(replies, token, 1))
        replies.remove()
    elif verb == "call":
        replies, token = make_reply_queue(pwd.getpwnam("myq").pw_uid)
        options += option(6, struct.pack("<iqQ", replies.id, token, 1))
        open_queue(place[0]).send(envelope(body, options, message_id), type=int(place[1]))
        status, text, reply = wait_for_reply(
            replies, token, 1, lambda done, total, text: print(f"{done}/{total} {text.decode()}")
        )
        replies.remove()
        sys.stdout.flush()
        sys.stdout.buffer.write(reply)
        sys.stderr.buffer.write(text)
        sys.exit(status)
    elif verb == "blob":
        uid = pwd.getpwnam("myq").pw_uid
        memory, reference = make_blob(body, int(place[0], 0), uid)
        message = envelope(reference, options, message_id, kind=3)
        open_queue(place[0]).send(message, type=int(place[1]))
        memory.detach()
    else:
        sys.exit(f"envelope.py: {verb}: no such verb")


main(*sys.argv[1:])
