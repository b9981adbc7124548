#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_detail.sh - mipcs shows all that is known of one object.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# json FILTER ARGUMENT...: the filter is true of what mipcs -J prints.
json()
{
	filter=$1
	shift
	./mipcs --dir "$work/ns" -J "$@" >"$work/json" || return
	jq -e "$filter" "$work/json" >/dev/null && return
	cat "$work/json"
	return 1
}

has()
{
	grep -qE -- "$2" "$work/$1" && return
	echo "$1 has no line like $2:"
	cat "$work/$1"
	return 1
}

need python3
need jq
need_module
make_work
plan 22

# One of each under the same key, used by a process and by its child.
cat >"$work/program" <<'END'
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
signal.alarm(60)
UNDO = 0x1000
class Operation(ctypes.Structure):
	_fields_ = [(n, ctypes.c_short) for n in ("num", "op", "flags")]
def semop(id, num, op, flags=0):
	return libc.semop(id, ctypes.byref(Operation(num, op, flags)), 1)
class Letter(ctypes.Structure):
	_fields_ = [("type", ctypes.c_long), ("text", ctypes.c_char * 100)]
def send(id, type, size):
	libc.msgsnd(id, ctypes.byref(Letter(type, b"")), size, 0)
def child(body, *args):
	pid = os.fork()
	if pid == 0:
		body(*args)
		os._exit(0)
	return pid
shm, sem, msg = (libc.shmget(0x71, 5000, 0o1600),
    libc.semget(0x71, 3, 0o1600), libc.msgget(0x71, 0o1600))
libc.semget(0x72, 1, 0o1600)
libc.shmat(shm, None, 0)
semop(sem, 0, 1)
semop(sem, 2, 7, UNDO)
for type, size in (5, 10), (6, 0), (5, 30):
	send(msg, type, size)
sleeper = child(semop, sem, 1, -4)
receiver = child(libc.msgrcv, msg, ctypes.byref(Letter()), 100, -3, 0)
while libc.semctl(sem, 1, 14) != 1:
	pass
def asleep(pid):
	with open("/proc/%d/stat" % pid) as f:
		return f.read().rpartition(")")[2].split()[0] == "S"
while not asleep(receiver):
	pass
print(os.getpid(), sleeper, receiver, shm, sem, msg, flush=True)
sys.stdin.readline()
libc.semctl(sem, 0, 0), libc.msgctl(msg, 0, None)
os.wait(), os.wait()
END

begin()
{
	mkfifo "$work/said" "$work/told"
	exec 3<>"$work/said" 4<>"$work/told"
	(./mipcrun --dir "$work/ns" -- python3 "$work/program" ||
	    echo failed) <&4 >&3 &
	user=$!
	tap_cleanup=finish
	read -r said <&3
	[ "$said" != failed ]
}

finish()
{
	tap_cleanup=:
	echo >&4
	wait "$user"
}

begin && ok "objects are used" || not_ok "objects are used"
set -- $said
pid=$1 sleeper=$2 receiver=$3 shm=$4 sem=$5 msg=$6

check "a segment: who has it attached" json "
    .attached | length == 3 and any(.pid == $pid and .count == 1 and
    .alive == true and .since > 1000000000 and
    (.command | test(\"program\")))" -m -i "$shm"
check "... and its own row" json "
    .segments | length == 1 and .[0].shmid == $shm and
    .[0].bytes == 5000 and .[0].nattch == 3" -m -i "$shm"
check "... and its creator" json "
    .object | length == 1 and .[0].cpid == $pid and .[0].alive == true and
    .[0].used >= 8192 and .[0].lockpid == null and
    (.[0].command | test(\"program\"))" -m -i "$shm"
check "a set: every semaphore" json '
    [.semaphores[] | [.semnum, .value, .ncnt, .zcnt]] ==
    [[0, 1, 0, 0], [1, 0, 1, 0], [2, 7, 0, 0]]' -s -i "$sem"
check "... and who owes it" json "
    .debts | length == 1 and .[0].pid == $pid and .[0].semnum == 2 and
    .[0].amount == -7 and .[0].alive == true" -i "$sem"
check "... and who sleeps in it" json "
    .sleepers | length == 1 and .[0].pid == $sleeper and
    .[0].for == \"semaphore 1: -4\" and .[0].since > 1000000000" -i "$sem"
check "a queue: every message" json '
    [.messages[] | [.type, .size]] == [[5, 10], [6, 0], [5, 30]]' \
    -q -i "$msg"
check "... and by type" json '
    [.types[] | [.type, .messages, .bytes]] == [[5, 2, 40], [6, 1, 0]]' \
    -q -i "$msg"
check "... and who sleeps in it" json "
    .sleepers | length == 1 and .[0].pid == $receiver and
    .[0].for == \"a message of type 1 to 3\"" -q -i "$msg"
check "the same by its key" json "
    .queues[0].msqid == $msg and (.types | length == 2)" -q --key 0x71
check "... of the one kind that has it" json '
    .sets[0].key == "0x00000072" and .debts == [] and .sleepers == []' \
    --key 0x72
check "... but not of one of several" \
    exits 2 ./mipcs --dir "$work/ns" --key 0x71
check "... which the message says" has err 'key 0x00000071: .*several'
check "a key that nobody has is an error" \
    exits 1 ./mipcs --dir "$work/ns" --key 0x99
check "... that names it" has err 'key 0x00000099'
check "any list has its creator, and what it takes up" json "
    .sets[0].cpid == $pid and .queues[0].alive == \"yes\" and
    (.segments[0] | .used >= 8192 and .born > 1000000000 and
    (.command | test(\"program\")))" -a
check "... which is not looked for unasked" json \
    '.segments[0] | has("used") | not'
check "people get the same" exits 0 ./mipcs --dir "$work/ns" -i "$sem"
check "... each in a table of its own" \
    has out '^ *pid +user +alive +semnum +amount +command'
check "... but no empty ones" eval \
    './mipcs --dir "$work/ns" -s --key 0x72 >"$work/out" &&
    refused has out amount'
finish
check "numbers of the dead stay, and nobody is attached" json "
    .attached == [] and .object[0].cpid == $pid and
    .object[0].alive == false" -m -i "$shm"
