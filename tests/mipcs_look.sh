#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_look.sh - mipcs shows what is in a queue, and what nobody uses.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

# says TEXT ARGUMENT...: mipcs prints exactly this.
says()
{
	printf '%s\n' "$1" >"$work/expected"
	shift
	./mipcs --dir "$work/ns" "$@" >"$work/out" || return
	diff "$work/expected" "$work/out"
}

need python3
need jq
need_module
make_work
plan 27

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

id=$(in_namespace send.py)
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
check "JSON has texts and bytes" json '.messages == [
    {type: 3, size: 19, text: "abcdefghijklmnopqrs",
	hex: "6162636465666768696a6b6c6d6e6f70717273"},
    {type: 1, size: 4, text: "one\n", hex: "6f6e650a"},
    {type: 3, size: 0, text: null, hex: null}]' --peek "$id"
check "... of those that are asked for" json \
    '.messages | length == 1 and .[0].type == 1' --peek "$id" --type 1
check "so has --export" says 'type="1" size="4" text="one\x0a" hex="6f6e650a"' \
    --peek "$id" --type 1 --export
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

# Makes one of each, uses it, and is killed; another lives on.  Of what the
# dead made some is used by the living in just one way.
cat >"$work/make.py" <<'END'
from calls import *
def make(key):
	libc.shmat(libc.shmget(key, 5000, 0o1600), None, 0)
	semop(libc.semget(key, 1, 0o1600), 0, 1)
	send(libc.msgget(key, 0o1600), 1, b"x")
def killed(body, *args):
	if os.fork() == 0:
		body(*args)
		os.kill(os.getpid(), signal.SIGKILL)
	os.wait()
def make_some():
	libc.shmget(0xaa, 1, 0o1600)
	semop(libc.semget(0xaa, 1, 0o1600), 0, 1)
def make_for_others():
	libc.shmget(0xbb, 1, 0o1600)
	libc.semget(0xbb, 1, 0o1600)
	libc.semget(0xcc, 1, 0o1600)
	libc.msgget(0xbb, 0o1600)
killed(make, 0x77)
make(0x88)
libc.semget(0x99, 1, 0o1600)
killed(make_some)
semop(libc.semget(0xaa, 0, 0), 0, 1)
killed(make_for_others)
owed, slept, queue = (libc.semget(0xbb, 0, 0), libc.semget(0xcc, 0, 0),
    libc.msgget(0xbb, 0))
libc.shmat(libc.shmget(0xbb, 0, 0), None, 0)
semop(owed, 0, 1, UNDO)
killed(semop, owed, 0, 1)
asleep = child(semop, slept, 0, -1), child(receive, queue, 0)
await_count(slept, GETNCNT)
await_sleep(asleep[1])
killed(make, 0xdd)	# and nobody calls who might see that it is dead
tell(os.getpid())
for pid in asleep:
	os.kill(pid, signal.SIGKILL)
END

begin make.py && ok "some are killed, one lives" ||
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
check "what is still as the dead left it is an orphan, too" json '
    [.orphans[] | select(.key == "0x000000dd") | .kind] | sort ==
    ["queue", "segment", "set"]' --orphans
check "what the living have attached, owe or sleep in is none" json '
    .orphans | any(.key == "0x000000bb" or .key == "0x000000cc") | not' \
    --orphans
check "sets alone" json '.orphans | length > 0 and all(.kind == "set")' \
    --orphans -s
finish
check "when all have ended all are orphans" json '
    [.orphans[].key] | unique | length == 8' --orphans
