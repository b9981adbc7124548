#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcmk.sh - mipcmk makes what it is asked for, and says what hinders it.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/command.sh"
command=mipcmk

# makes ID OPTION...: it prints that identifier and nothing else.
makes()
{
	id=$1
	shift
	prints 0 "$id" "" "$@"
}

# shown COLUMNS TEXT: of everything that has those columns.
shown()
{
	./mipcs --dir "$work/ns" --noheadings --output "$1" |
	    tr -s '\t ' '  ' | sed 's/^ *//; s/ *$//' >"$work/table"
	same table "$2"
}

sizes_shown()
{
	shown shmid,bytes,perms "0 100 644
1 3072 644
2 2097152 600
3 1 000"
}

keys_shown()
{
	key=$(perl -e 'my @s = stat shift; printf "0x%02x%02x%04x", shift,
	    $s[0] & 0xff, $s[1] & 0xffff' "$work/a:file" "$1") &&
	    ./mipcs --dir "$work/ns" -q --noheadings --output key |
	    grep -q "$key"
}

limits_set()
{
	makes "" --limit msgmnb=1M --limit barging=1 &&
	    ./mipcs --dir "$work/ns" -l --json >"$work/limits" &&
	    python3 -c '
import json, sys
d = {l["name"]: l["value"] for l in json.load(open(sys.argv[1]))["limits"]}
assert (d["msgmnb"], d["barging"]) == (1 << 20, 1), d' "$work/limits"
}

taken_named()
{
	exits 1 ./mipcmk --dir "$work/ns" -m 1 -k 77 && same out "" || return
	sed 's/process [1-9][0-9]*$/process PID/' "$work/err" >"$work/masked"
	same masked "mipcmk: key 0x0000004d is taken by segment 4, of owner \
$me, created by $me in process PID"
}

default_made()
{
	MIPC_DIR=$work/default exits 0 ./mipcmk -q && same out 0 &&
	    [ -f "$work/default/msg.0" ]
}

need perl python3
make_work
me=$(id -un)
plan 24
check "segments: K, M, and permissions" eval \
    makes 0 -m 100 '&&' makes 1 -m 3k '&&' makes 2 -m 2M -p 600 '&&' \
    makes 3 --shmem 1 --mode 0
check "... are as asked for" sizes_shown
check "a set of semaphores" makes 0 -s 7
check "... has so many" shown semid,nsems "0 7"
check "a queue" makes 0 -q
check "... is private" shown msqid,key "0 0x00000000"
: >"$work/a:file"
check "a key that is a number" makes 4 -m 8 -k 77
check "... in hexadecimal" makes 5 -m 8 --key 0xffffffff
check "... below zero" prints 1 "" "key 0xffffffff is taken by segment 5, of \
owner $me, created by $me in process $(./mipcs --dir "$work/ns" -m \
    --noheadings --output shmid,cpid | awk '$1 == 5 { print $2 }')" -m 8 -k -1
check "... is one of each kind" makes 1 -s 1 -k 77
check "a file's key by a number" makes 1 -q -k "$work/a:file:0x21"
check "... is ftok's" keys_shown 33
check "a file's key by a character" makes 2 -q -k "$work/a:file:x"
check "... is ftok's" keys_shown 120
check "a file that is not there has no key" prints 1 "" \
    "--key $work/none:1: the file's key: No such file or directory" \
    -q -k "$work/none:1"
check "a key that is none" prints 2 "" \
    "--key $work: not a number, 0xHEX or PATH:PROJ" -q -k "$work"
check "a key that is taken, and by what" taken_named
check "... by a set" prints 1 "" "key 0x0000004d is taken by set 1, of owner \
$me, created by $me" -s 1 -k 77
check "limits, and nothing else" limits_set
check "a limit that is none" \
    prints 2 "" "--limit none: there is no such limit" -q --limit none=1
check "beyond a limit" prints 1 "" "a new set of 4 semaphores: it is outside \
the limits, which mipcs --limits shows" -s 4 --limit semmsl=3
check "no more of a kind" prints 1 "" "a new queue: a limit is reached (mipcs \
--limits), or the filesystem is full" -q --limit msgmni=3
check "the default namespace is made" default_made
for usage in "nothing to make: give one of -m, -s and -q|" \
    "one object is made: give one of -m, -s and -q|-q -s 1" \
    "--key: of what? Give one of -m, -s and -q|-k 1" \
    "more: not an option|-q more" \
    "--shmem 0: not a size: digits, with K, M, G or nothing behind them|-m0" \
    "--semaphores -1: not a number of semaphores|-s -1" \
    "--mode 1000: not permissions in octal, 0 to 777|-q -p 1000" \
    "--mode 8: not permissions in octal, 0 to 777|-q -p 8"; do
	wrong "${usage%|*}" ${usage#*|} || echo "failed: $usage"
done >"$work/wrong" 2>&1
check "wrong usage says what is wrong" same wrong ""
