#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# examples.sh - the examples in C do what their first lines say.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

# prints TEXT PROGRAM...: it succeeds, and prints just that.
prints()
{
	expected=$1
	shift
	found=$("$@" 2>&1) && [ "$found" = "$expected" ] && return
	echo "found: $found"
	echo "expected: $expected"
	return 1
}

# Example's own arithmetic: worker i sums i + 1 times 1 .. 1000.
sums="worker 0: 500500
worker 1: 1001000
worker 2: 1501500
worker 3: 2002000"

# holds COUNT: the namespace's directory has just so many objects' files.
holds()
{
	set -- "$1" "$work"/workers/shm.*
	[ -e "$2" ] || set -- "$1"
	[ "$(($# - 1))" -eq "$1" ] && return
	echo "there is: $*"
	return 1
}

# board TEXT: it is written by one process, and read by others, of whom one
# waits for the next text; that one has the board open before it is written.
board()
{
	./examples/board "$work/board" "$1" || return
	prints "1: $1" ./examples/board "$work/board" || return
	./examples/board "$work/board" --next >"$work/next" &
	until grep -q "$work/board" "/proc/$!/maps" 2>/dev/null; do
		kill -0 $! 2>/dev/null || return
	done
	while kill -0 $! 2>/dev/null; do
		./examples/board "$work/board" "next"
	done
	wait $!
	grep -q ': next$' "$work/next"
}

export MIPC_DIR
make_work
MIPC_DIR=$work/default
plan 14
check "workers share an anonymous namespace" \
    prints "$sums" ./examples/workers
check "workers share a namespace in a directory" \
    prints "$sums" ./examples/workers "$work/workers"
check "the workers' segment is gone with them" holds 0
check "workers can be run there again" \
    prints "$sums" ./examples/workers "$work/workers"
check "a counter linked with libmipc-sysv begins at 1" \
    prints 1 ./examples/counter "$work"
check "it finds its segment again in another process" \
    prints 2 ./examples/counter "$work"
check "mipcs shows the counter's segment" \
    prints 8 sh -c "./mipcs --noheadings --output bytes | tr -d ' '"
check "a killed worker's seat is another's" \
    prints "all seats are taken
one worker was killed, and another has its seat
2 seats are free" ./examples/seats
check "a table is repaired when a worker was killed over it" \
    prints "worker 0 served 500
worker 1 served 1000
worker 2 served 1000
worker 3 served 1000
3500 in all, 1 repair" ./examples/prefork
check "readers of a published array see no torn one" \
    prints "plain: torn reads
published: 0 torn reads" ./examples/publisher
check "each job is done once, also one that a worker died over" \
    prints "a job that its worker died over waits again
1000 jobs done, of sum 500500" ./examples/jobs
check "processes that are not related share a file by its path" board hello
check "of a board that nobody has written on nothing is said" \
    refused ./examples/board "$work/empty"
check "a bank goes on from its last checkpoint when all of it was killed" \
    prints "8000 in all accounts
killed, and restored as it was
8000 in all accounts
killed, and restored as it was" ./examples/bank "$work/bank" "$work/bank.snap"
