"""A peer for sysv_family_test: every line of standard input is a statement or an expression, and a
line with its value, or the exception that it raised, is the answer."""
import sys

import sysv_ipc

names = {"sysv_ipc": sysv_ipc}
for line in sys.stdin:
    try:
        try:
            answer = repr(eval(line, names))
        except SyntaxError:
            exec(line, names)
            answer = "done"
    except Exception as error:
        answer = type(error).__name__
    print(answer, flush=True)
