#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcs_waits.sh - mipcs --waits shows who waits for whom, and who for himself.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcs

# A python program of standard input, run on the namespace.
run()
{
	{
		cat <<'END'
from calls import *
work = sys.argv[1]
def show(name, *options):
	with open(work + "/" + name, "w") as out:
		code = subprocess.run(["./mipcs", "--waits", *options],
			stdout=out).returncode
	with open(work + "/codes", "a") as codes:
		print(name, code, file=codes)
END
		cat
	} >"$work/program"
	in_namespace program "$work"
}

need python3
need jq
need_module
make_work
plan 22

# Three processes take a set each and want the next one's.
ring()
{
	run <<'END'
sets = [make_set(1) for i in range(3)]
taken = [os.pipe() for i in range(3)]
def take_two(i):
	semop(sets[i], 0, -1, UNDO)
	os.write(taken[i][1], b"x")
	await_start()
	semop(sets[(i + 1) % 3], 0, -1, UNDO)
start = os.pipe()
def await_start():
	os.read(start[0], 1)
pids = [child(take_two, i) for i in range(3)]
for pipe in taken:
	os.read(pipe[0], 1)
show("before", "-J")
os.write(start[1], b"xxx")
for id in sets:
	await_count(id, GETNCNT)
show("ring", "-J")
show("text")
show("dot", "--dot")
show("queues", "-J", "-q")
os.kill(pids[0], signal.SIGKILL)
os.waitpid(pids[0], 0)
os.waitpid(pids[2], 0)
os.waitpid(pids[1], 0)
show("after", "-J")
with open(work + "/names", "w") as names:
	print(*pids, *sets, file=names)
for id in sets:
	libc.semctl(id, 0, RMID)
END
}

# That pid $1 waits in set $2 for one that pid $3 has.
waits_for()
{
	holds ".waits | any(.pid == $1 and .kind == \"set\" and
	    .id == $2 and .for == \"semaphore 0: -1\" and .holder == $3 and
	    .amount == 1 and .alive == true and .cycle == true and
	    .seconds >= 0 and .seconds < 60)" ring
}

names_ring()
{
	waits_for "$1" "$5" "$2" && waits_for "$2" "$6" "$3" &&
	waits_for "$3" "$4" "$1" && holds '.waits | length == 3' ring
}

draws_ring()
{
	has dot '^digraph waits' && has dot "label=\"$1.n" &&
	has dot "set $4.nsemaphore 0\"" || return
	[ "$(grep -c 'color=red' "$work/dot")" = 6 ]
}

check "a deadlock of three can be made" ring
check "nobody waits before: an empty list" holds '.waits == []' before
check "... which is no failure" has codes '^before 0$'
check "each of the three is named, with its set and its holder" \
    names_ring $(cat "$work/names")
check "... with command lines" holds \
    '.waits | all((.command | test("program")) and
    (.holdercommand | test("program")))' ring
check "... and the exit status tells" has codes '^ring 3$'
check "people see the same" has text 'set.*semaphore 0: -1.*yes'
check "... with headings" has text '^ *pid[[:space:]]+command'
check "... and the same status" has codes '^text 3$'
check "Graphviz gets it, the cycle in red" draws_ring $(cat "$work/names")
check "of queues alone there is nothing" holds '.waits == []' queues
check "... and no deadlock" has codes '^queues 0$'
check "one is killed: the others go on" holds '.waits == []' after
check "... and nobody is deadlocked" has codes '^after 0$'

# One waits for itself, one for who is awake, one for nobody known.
others()
{
	run <<'END'
own, held, free, busy = make_set(1), make_set(1), make_set(0), \
	make_set(0)
semop(held, 0, -1, UNDO)
semop(busy, 0, 2, UNDO)
def take_twice():
	semop(own, 0, -1, UNDO)
	semop(own, 0, -1, UNDO)
pids = [child(take_twice), child(semop, held, 0, -1),
	child(semop, free, 0, -1), child(semop, busy, 0, 0)]
for id in (own, held, free):
	await_count(id, GETNCNT)
await_count(busy, GETZCNT)
show("others", "-J")
with open(work + "/names", "w") as names:
	print(*pids, os.getpid(), file=names)
for id in (own, held, free, busy):
	libc.semctl(id, 0, RMID)
for pid in pids:
	os.waitpid(pid, 0)
END
}

one()
{
	holds "[.waits[] | select(.pid == $1)] | length == 1 and
	    (.[0] | $2)" others
}

check "others wait, too" others
set -- $(cat "$work/names")
check "who waits for himself is a deadlock of one" \
    one "$1" ".holder == $1 and .cycle"
check "who waits for one who is awake is none" \
    one "$2" ".holder == $5 and (.cycle | not) and .amount == 1"
check "who waits for nobody known has no holder" \
    one "$3" '.holder == null and .amount == null and (.cycle | not)'
check "who waits for zero waits for him who added" \
    one "$4" ".holder == $5 and .amount == -2 and
    .for == \"semaphore 0: zero\""
check "--dot is a form of --waits" \
    exits 2 ./mipcs --dir "$work/ns" --dot
check "... which the message says" has err 'dot.*waits'
check "a directory that is not there is an error" \
    exits 1 ./mipcs --dir "$work/none" --waits
