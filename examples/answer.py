#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""answer.py KEY: print the text in the segment of a key, and answer it there.

It stays attached until its standard input ends.  libc's shmget and shmat by
way of ctypes; it knows nothing of mipc.
"""

import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.shmdt.argtypes = [ctypes.c_void_p]


def fail(call):
    sys.exit(f"{call}: {os.strerror(ctypes.get_errno())}")


def main():
    segment = libc.shmget(int(sys.argv[1], 0), 0, 0o600)
    if segment == -1:
        fail("shmget")
    address = libc.shmat(segment, None, 0)
    if address == ctypes.c_void_p(-1).value:
        fail("shmat")
    question = ctypes.string_at(address).decode()
    answer = f"python {os.getpid()} has read: {question}".encode()
    ctypes.memmove(address, answer + b"\0", len(answer) + 1)
    print(question, flush=True)
    sys.stdin.read()
    libc.shmdt(address)


main()
