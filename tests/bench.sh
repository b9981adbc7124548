#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# bench.sh - mipc-bench names its rows, measures those it is asked for,
# prints JSON that is JSON, keeps to its time and leaves nothing behind.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

LIMIT=35		# seconds that --quick promises

# lists NAME: as a row of its own.
lists()
{
	grep -qxF -- "$1" "$work/list"
}

# kinds: every name begins with a word that says what is measured.
kinds()
{
	! grep -vE -e '^(shmget|shmctl|shmat\+shmdt|shm|fork|memory|exec) ' \
	    -e '^(sem|msg) ' "$work/list"
}

# chosen PATTERN: what --list prints for the rows that --row chooses.
chosen()
{
	./mipc-bench --list --row "$1"
}

# shaped FILE: an array of rows as it is promised, in the order of the list.
shaped()
{
	python3 - "$1" "$2" <<-'END'
	import json, os, sys

	rows = json.load(open(sys.argv[1]))
	names = open(sys.argv[2]).read().splitlines()
	may_lack = ("exec /bin/true", "exec first call", "sem P+V preload",
	    "sem P+V traced", "sem P+V raw")
	if len(os.sched_getaffinity(0)) < 2:
	    may_lack += tuple(n for n in names if n.endswith("two cores"))
	keys = {"row", "unit", "kernel", "mipc", "ratio", "target",
	    "quartiles", "peers", "also"}
	assert [r["row"] for r in rows] == names, (rows, names)
	assert all(set(r) == keys for r in rows)
	for r in rows:
	    kernel, mipc, ratio = r["kernel"], r["mipc"], r["ratio"]
	    numbers = [kernel, mipc, ratio, *r["peers"].values()]
	    assert all(type(n) in (int, float, type(None)) for n in numbers), r
	    assert mipc is not None or r["row"] in may_lack, r
	    both = kernel is not None and mipc
	    assert (ratio is None) == (not both), r
	    assert not both or abs(ratio * mipc / kernel - 1) < 0.02, r
	    assert (r["quartiles"] is None) == (not both), r
	    assert not both or r["quartiles"] == sorted(r["quartiles"]), r
	END
}

# semaphores: the names of the rows about them.
semaphores()
{
	cat <<-'END'
	sem P+V
	sem P+V SEM_UNDO
	sem P+V semtimedop
	sem P+V three
	sem P+V three SEM_UNDO
	sem P+V set of 1000
	sem P+V random of 10000 sets
	sem GETVAL
	sem IPC_NOWAIT failing
	sem IPC_STAT
	sem GETALL of 1000
	sem SETVAL
	sem create+remove
	sem ping-pong two cores
	sem ping-pong one core
	sem contend 2
	sem contend 4
	sem contend 8
	sem contend 2 barging
	sem contend 4 barging
	sem contend 8 barging
	sem kill wake
	sem P+V preload
	sem P+V traced
	sem P+V raw
	END
}

# queues: the names of the rows about them.
queues()
{
	printf 'msg same process %s\n' 8 64 256 1024 4096 8192
	printf 'msg by type behind %s\n' 0 10 1000 10000
	printf 'msg by negative type behind %s\n' 0 10 1000 10000
	cat <<-'END'
	msg IPC_STAT
	msg create+remove
	msg throughput 64 two cores
	msg throughput 1024 two cores
	msg throughput 8192 two cores
	msg throughput 64 one core
	msg ping-pong 64 two cores
	msg ping-pong 64 one core
	END
}

# lists_all KIND NAMES: the rows of a kind are those that NAMES prints.
lists_all()
{
	"$2" >"$work/names"
	grep "^$1 " "$work/list" | diff "$work/names" -
}

# sane FILE: what is measured of semaphores and queues can be true.  A system
# call takes tens of nanoseconds; what avoids it does not take more than it by
# far; to die takes microseconds; and nobody is fairer than fair.
sane()
{
	python3 - "$1" <<-'END'
	import json, sys

	rows = json.load(open(sys.argv[1]))
	for r in [r for r in rows if r["row"][:4] in ("sem ", "msg ")]:
	    name, kernel, mipc = r["row"], r["kernel"], r["mipc"]
	    values = [kernel, mipc, *r["peers"].values()]
	    assert all(v is None or 1 < v < 1e9 for v in values), r
	    assert kernel is None or kernel > 40, r
	    assert kernel is None or "P+V" not in name or kernel > 80, r
	    both = kernel and mipc and name != "msg create+remove"
	    assert not both or mipc < 100 * kernel, r
	    assert mipc is None or name != "sem kill wake" or mipc > 1000, r
	    assert mipc is None or "traced" not in name or mipc > 200, r
	    assert r["target"] or name in ("sem SETVAL", "sem P+V traced",
		"sem P+V raw"), r
	    assert ("contend" in name) == ("Jain" in r["also"]), r
	    fairness = r["also"].get("Jain", {}).values()
	    assert all(j is None or 0.12 < j <= 1 for j in fairness), r
	END
}

# theirs: what mipc-bench makes, where it does.
theirs()
{
	find "${TMPDIR:-/tmp}" /dev/shm -maxdepth 1 -name 'mipc-bench.*' \
	    2>/dev/null | sort
}

# interrupt SIGNAL: after its first row, the program ends by it and has
# cleaned up.
interrupt()
{
	./mipc-bench --row 'shmget*' >"$work/out" 2>"$work/err" &
	child=$!
	until grep -q '^shmget existing ' "$work/out"; do
		kill -0 "$child" 2>/dev/null || break
	done
	kill "-$1" "$child"
	wait "$child"
	status=$?
	[ "$status" -gt 128 ] && nothing_left && return
	echo "status $status"
	return 1
}

# Seconds, milliseconds, and how the segment was copied.
checkpoint()
{
	for way in mipc cp none; do
		rm -rf "$work/ns"
		./mipc-bench-ckpt "$way" "$work/ns" "$work/file" 4 \
		    >"$work/took" || return
		cat "$work/took"
		grep -qE '^[0-9]+\.[0-9]{3} [0-9]+\.[0-9] (pages|reflink|-)$' \
		    "$work/took" || return
	done
	[ "$(wc -c <"$work/file")" -eq $((4 << 20)) ]
}

# What was not there before, while no mipc-bench runs that may be using it.
nothing_left()
{
	theirs | while read -r path; do
		grep -qxF -- "$path" "$work/before" && continue
		for p in /proc/[0-9]*; do
			[ "$(cat "$p/comm" 2>/dev/null)" = mipc-bench ] &&
			    continue 2
		done
		[ -e "$path" ] && echo "left behind: $path"
	done >"$work/left"
	[ ! -s "$work/left" ] && return
	cat "$work/left"
	return 1
}

need python3
make_work
theirs >"$work/before"
plan 18
check "--list succeeds" exits 0 ./mipc-bench --list
./mipc-bench --list >"$work/list"
for row in 'shmget existing' 'shmat+shmdt 4 KiB first' \
    'shmat+shmdt 4 KiB again'; do
	check "there is a row '$row'" lists "$row"
done
check "there are the rows about semaphores" lists_all sem semaphores
check "there are the rows about queues" lists_all msg queues
check "names begin with their kind" kinds
chosen 'shmat+shmdt 4 KiB *' >"$work/two"
check "--row takes a glob" test "$(wc -l <"$work/two")" -eq 2
chosen 'shmget existing' >"$work/one"
check "--row takes a name" test "$(cat "$work/one")" = 'shmget existing'
check "an unknown row is a wrong usage" exits 2 ./mipc-bench --row nonsense
check "an unknown option is a wrong usage" exits 2 ./mipc-bench --nonsense
begun=$(date +%s)
check "--quick --json measures every row" exits 0 ./mipc-bench --quick --json
took=$(($(date +%s) - begun))
check "--quick takes less than $LIMIT seconds ($took)" \
    test "$took" -lt "$LIMIT"
check "--json is JSON, with numbers as numbers" \
    shaped "$work/out" "$work/list"
check "what is said of semaphores and queues can be true" sane "$work/out"
check "checkpoints are measured under stores" checkpoint
check "nothing is left behind" nothing_left
check "nor when it is interrupted" interrupt INT
