#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_look.sh - mipcs shows what is in a queue, and what nobody uses.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

mipcs()
{
	./mipcs --dir "$work/ns" "$@"
}

# says TEXT ARGUMENT...: mipcs prints exactly this.
says()
{
	printf '%s\n' "$1" >"$work/expected"
	shift
	mipcs "$@" >"$work/out" || return
	diff "$work/expected" "$work/out"
}

# json FILTER ARGUMENT...: the filter is true of what mipcs -J prints.
json()
{
	filter=$1
	shift
	mipcs -J "$@" >"$work/json" || return
	jq -e "$filter" "$work/json" >/dev/null && return
	cat "$work/json"
	return 1
}

need python3
need jq
need_module
make_work
plan 22

cat >"$work/calls.py" <<'END'
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
signal.alarm(60)
class Letter(ctypes.Structure):
	_fields_ = [("type", ctypes.c_long), ("text", ctypes.c_char * 100)]
def send(id, type, text):
	libc.msgsnd(id, ctypes.byref(Letter(type, text)), len(text), 0)
class Operation(ctypes.Structure):
	_fields_ = [(n, ctypes.c_short) for n in ("num", "op", "flags")]
def semop(id, num, op):
	return libc.semop(id, ctypes.byref(Operation(num, op, 0)), 1)
END

run()
{
	./mipcrun --dir "$work/ns" -- python3 "$work/$1"
}

# ---- messages ----

cat >"$work/send.py" <<'END'
from calls import *
id = libc.msgget(0x61, 0o1600)
send(id, 3, b"abcdefghijklmnopqrs")
send(id, 1, b"one\n")
send(id, 3, b"")
print(id)
END

letter='type 3, 19 bytes
  00000000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|
  00000010  71 72 73                                          |qrs|'
one='type 1, 4 bytes
  00000000  6f 6e 65 0a                                       |one.|'
empty='type 3, 0 bytes'

id=$(run send.py)
check "messages are shown in order" says "$letter
$one
$empty" --peek "$id"
check "... and again: they stay" says "$letter
$one
$empty" --peek "$id"
check "those of a type" says "$letter
$empty" --peek "$id" --type 3
check "so many" says "$letter
$one" --peek "$id" --count 2
check "the first of a type" says "$one" --peek "$id" --type 1 --count 1
check "their bytes alone" says "abcdefghijklmnopqrsone" --peek "$id" --raw
check "none of a type is nothing" exits 0 ./mipcs --dir "$work/ns" \
    --peek "$id" --type 99
check "... at all" test ! -s "$work/out"
check "the queue is as it was" json \
    '.queues[0].messages == 3 and .queues[0].lrpid == 0' -q
check "a queue that is not there is an error" \
    exits 1 ./mipcs --dir "$work/ns" --peek 4711
check "... that names it" grep -q 'queue 4711' "$work/err"
check "--type without --peek is a wrong usage" \
    exits 2 ./mipcs --dir "$work/ns" --type 1
check "a type is a number" exits 2 ./mipcs --dir "$work/ns" \
    --peek "$id" --type x
check "... of at least 1" exits 2 ./mipcs --dir "$work/ns" \
    --peek "$id" --type 0

# ---- orphans ----

# Makes one of each, uses it, and is killed; another lives on.
cat >"$work/make.py" <<'END'
from calls import *
def make(key):
	libc.shmat(libc.shmget(key, 5000, 0o1600), None, 0)
	semop(libc.semget(key, 1, 0o1600), 0, 1)
	send(libc.msgget(key, 0o1600), 1, b"x")
if os.fork() == 0:
	make(0x77)
	os.kill(os.getpid(), signal.SIGKILL)
os.wait()
make(0x88)
libc.semget(0x99, 1, 0o1600)
if os.fork() == 0:
	libc.shmget(0xaa, 1, 0o1600)
	semop(libc.semget(0xaa, 1, 0o1600), 0, 1)
	os.kill(os.getpid(), signal.SIGKILL)
os.wait()
semop(libc.semget(0xaa, 0, 0), 0, 1)
print(os.getpid(), flush=True)
sys.stdin.readline()
END

begin()
{
	mkfifo "$work/said" "$work/told"
	exec 3<>"$work/said" 4<>"$work/told"
	(run make.py || echo failed) <&4 >&3 &
	maker=$!
	tap_cleanup=finish
	read -r said <&3
	[ "$said" -gt 0 ]
}

finish()
{
	tap_cleanup=:
	echo >&4
	wait "$maker"
}

begin && ok "some are killed, one lives" ||
    not_ok "some are killed, one lives"
check "what the dead made and nobody uses is an orphan" json '
    [.orphans[] | select(.key == "0x00000077") | .kind] | sort ==
    ["queue", "segment", "set"]' --orphans
check "... with the reason" json '
    .orphans | all(.cpid as $p | .reason | startswith("creator \($p) "))' \
    --orphans
check "... and what it takes up" json '
    (.orphans | length > 0) and (.orphans | all(.used > 0 and .age >= 0 and
    (.command | test("make.py|send.py"))))' --orphans
check "what the living made is none" json '
    .orphans | any(.key == "0x00000088" or .key == "0x00000099") | not' \
    --orphans
check "nor is what the living used last" json '
    [.orphans[] | select(.key == "0x000000aa") | .kind] == ["segment"]' \
    --orphans
check "sets alone" json '.orphans | length > 0 and all(.kind == "set")' \
    --orphans -s
finish
check "when all have ended all are orphans" json '
    [.orphans[].key] | unique | length == 5' --orphans
