"""recv.py KEY TYPE"""
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.msgrcv.restype = ctypes.c_ssize_t


def checked(result):
    if result < 0:
        sys.exit("recv.py: " + os.strerror(ctypes.get_errno()))
    return result


# As large as the kernel lets a message be: a smaller buffer would refuse, or cut, the long ones.
with open("/proc/sys/kernel/msgmax", encoding="ascii") as limit:
    largest = int(limit.read())


class Message(ctypes.Structure):  # struct msgbuf, see msgop(2)
    _fields_ = [("type", ctypes.c_long), ("body", ctypes.c_byte * largest)]


queue = checked(libc.msgget(ctypes.c_int(int(sys.argv[1], 0)), 0))
message = Message()
size = checked(
    libc.msgrcv(
        queue,
        ctypes.byref(message),
        ctypes.c_size_t(largest),
        ctypes.c_long(int(sys.argv[2])),
        0,
    )
)
sys.stdout.buffer.write(bytes(message)[Message.body.offset :][:size])
