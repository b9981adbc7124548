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

export MIPC_DIR
make_work
MIPC_DIR=$work/default
plan 8
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
