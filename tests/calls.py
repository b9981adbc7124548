# SPDX-License-Identifier: BSD-2-Clause
# calls.py - System V's calls for the programs of tests, by libc.
import ctypes, os, signal, subprocess, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p

CREAT, UNDO, RMID = 0o1000, 0x1000, 0
GETNCNT, GETZCNT, SETVAL = 14, 15, 16

class Operation(ctypes.Structure):
	_fields_ = [(n, ctypes.c_short) for n in ("num", "op", "flags")]

def semop(id, num, op, flags=0):
	return libc.semop(id, ctypes.byref(Operation(num, op, flags)), 1)

def make_set(value):
	id = libc.semget(0, 1, 0o600)
	libc.semctl(id, 0, SETVAL, value)
	return id

def await_count(id, command, num=0, count=1):
	while libc.semctl(id, num, command) != count:
		pass

class Letter(ctypes.Structure):
	_fields_ = [("type", ctypes.c_long), ("text", ctypes.c_char * 100)]

def send(id, type, text):
	return libc.msgsnd(id, ctypes.byref(Letter(type, text)), len(text), 0)

def receive(id, type):
	return libc.msgrcv(id, ctypes.byref(Letter()), 100, type, 0)

# A process that does this and ends.
def child(body, *args):
	pid = os.fork()
	if pid == 0:
		signal.alarm(60)
		body(*args)
		os._exit(0)
	return pid

def await_sleep(pid):
	state = ""
	while state != "S":
		with open("/proc/%d/stat" % pid) as f:
			state = f.read().rpartition(")")[2].split()[0]

# Seconds to wait for what must come; less where it is known not to.
PATIENCE = int(os.environ.get("MIPC_TEST_PATIENCE", 30))

# Tell the test, and go on when it answers.
def tell(*words):
	print(*words, flush=True)
	sys.stdin.readline()

signal.alarm(60)
