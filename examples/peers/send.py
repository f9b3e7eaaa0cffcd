"""send.py KEY TYPE BODY"""
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        sys.exit("send.py: " + os.strerror(ctypes.get_errno()))
    return result


key, message_type = int(sys.argv[1], 0), int(sys.argv[2])
body = os.fsencode(sys.argv[3])


class Message(ctypes.Structure):  # struct msgbuf, see msgop(2)
    _fields_ = [("type", ctypes.c_long), ("body", ctypes.c_char * len(body))]


queue = checked(libc.msgget(ctypes.c_int(key), 0))
message = Message(message_type, body)
checked(libc.msgsnd(queue, ctypes.byref(message), ctypes.c_size_t(len(body)), 0))
