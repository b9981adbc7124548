#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mipcrun_private.sh - a private namespace is there as long as the program or
# anything it started, and gone then, whoever is killed.
#
# The programs are "ipc_user hold": each tells its pid, its parent's and the
# namespace through one FIFO, and goes on when told through another.  The
# program's parent is the guardian.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

user=$PWD/tests/ipc_user

# What a failed test left; those who hold it end by themselves.
remove_seen()
{
	[ ! -e "$work/seen" ] || while read -r dir; do
		case $dir in
		*/mipc-private-*)
			rm -rf "$dir" ;;
		esac
	done <"$work/seen"
}

# start: run two holders under mipcrun, the program and, in a session of its
# own, a child of it.  Sets runner, guardian, program, child and dir.
start()
{
	rm -f "$work"/*.fifo
	mkfifo "$work/p.fifo" "$work/p1.fifo" "$work/p2.fifo" \
	    "$work/c.fifo" "$work/c1.fifo" "$work/c2.fifo" || return
	./mipcrun --private -- sh -c '
	    cd "$1"
	    setsid "$0" hold c.fifo c1.fifo c2.fifo &
	    exec "$0" hold p.fifo p1.fifo p2.fifo' "$user" "$work" \
	    >"$work/said" 2>&1 &
	runner=$!
	exec 3<"$work/c.fifo" 4<"$work/p.fifo"
	read -r child parent dir <&3 && read -r program guardian dir <&4 ||
	    return
	echo "$dir" >>"$work/seen"
	[ -d "$dir" ] && [ "$guardian" -ne "$runner" ]
}

# step FD WORD: let the holder behind FD (3 child, 4 program) go on, until it
# has said WORD.
step()
{
	case $1$2 in
	3done)	echo go >"$work/c1.fifo" ;;
	3again)	echo go >"$work/c2.fifo" ;;
	4done)	echo go >"$work/p1.fifo" ;;
	4again)	echo go >"$work/p2.fifo" ;;
	esac
	read -r word <&"$1" && [ "$word" = "$2" ] && return
	echo "holder $1 said '$word', not '$2': $(cat "$work/said")"
	return 1
}

# ends STATUS: mipcrun ends with it.
ends()
{
	status=0
	wait "$runner" || status=$?
	[ "$status" -eq "$1" ] && return
	echo "status $status, not $1: $(cat "$work/said")"
	return 1
}

is_there()
{
	[ -d "$dir" ] && return
	echo "$dir is gone"
	return 1
}

is_gone()
{
	"$user" gone "$dir" && [ ! -e "$dir" ] && return
	echo "$dir is there"
	return 1
}

# sweep: what another mipcrun does first.
sweep()
{
	./mipcrun --private -- true
}

ends_together()
{
	start && step 3 done && step 4 done && step 3 again &&
	    "$user" await "$child" && is_there && step 4 again && ends 0 ||
	    return
	# No waiting here: the namespace is gone before mipcrun is.
	[ ! -e "$dir" ]
}

# The child has not called when the program ends, so it has no life yet.
child_stays()
{
	start && step 4 done && step 4 again && ends 0 && is_there &&
	    step 3 done && sweep && is_there && step 3 again && is_gone
}

runner_killed()
{
	start || return
	kill -KILL "$runner"
	ends 137 && step 3 done && step 4 done && sweep && is_there &&
	    step 4 again && "$user" await "$program" && is_there &&
	    step 3 again && "$user" await "$guardian" && [ ! -e "$dir" ]
}

guardian_killed()
{
	start || return
	kill -KILL "$guardian"
	"$user" await "$guardian" && step 3 done && step 4 done &&
	    sweep && is_there && step 3 again &&
	    "$user" await "$child" && step 4 again && ends 0 &&
	    [ ! -e "$dir" ]
}

# The runner has not noticed yet.
guardian_killed_unseen()
{
	start || return
	kill -STOP "$runner"
	kill -KILL "$guardian"
	sweep && is_there
	status=$?
	kill -CONT "$runner"
	[ "$status" -eq 0 ] && step 3 done && step 4 done && step 3 again &&
	    "$user" await "$child" && step 4 again && ends 0 && is_gone
}

# As above, and the program's child is the last.
guardian_killed_child_stays()
{
	start || return
	kill -KILL "$guardian"
	"$user" await "$guardian" && step 3 done && step 4 done &&
	    step 4 again && ends 0 && is_there && step 3 again && is_gone
}

signal_after_takeover()
{
	start || return
	kill -KILL "$guardian"
	"$user" await "$guardian" && step 3 done && step 4 done || return
	kill -TERM "$runner"
	ends 143 && step 3 again && is_gone
}

# Any mipcrun on the machine may be the next one.
both_killed()
{
	start && step 3 done && step 4 done || return
	kill -KILL "$runner"
	ends 137
	kill -KILL "$guardian"
	"$user" await "$guardian" && sweep && is_there &&
	    step 4 again && "$user" await "$program" && sweep && is_there &&
	    step 3 again && "$user" await "$child" && sweep && is_gone
}

both_killed_other_order()
{
	start && step 3 done && step 4 done || return
	kill -KILL "$guardian"
	"$user" await "$guardian"
	kill -KILL "$runner"
	ends 137 && sweep && is_there && step 3 again && step 4 again &&
	    "$user" await "$child" && "$user" await "$program" &&
	    sweep && is_gone
}

# Whoever was killed before there was a namespace left a directory.
unfinished_swept()
{
	start && step 3 done && step 3 again && step 4 done &&
	    step 4 again && ends 0 || return
	unfinished=${dir%-*}-test$$
	echo "$unfinished" >>"$work/seen"
	mkdir "$unfinished" || return
	sweep && [ ! -e "$unfinished" ]
}

# Sweeps that find a namespace just being made do not harm it.
many_at_once()
{
	pids=
	for i in 1 2 3 4 5 6 7 8; do
		./mipcrun --private -- "$user" store 1 text &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid" || return
	done
}

# The reader of a pipe sees its end with the program, not with the guardian.
pipe_ends()
{
	rm -f "$work"/*.fifo
	mkfifo "$work/c.fifo" "$work/c1.fifo"
	{
		./mipcrun --private -- sh -c '
		    cd "$1"
		    "$0" hold c.fifo c1.fifo >/dev/null 2>&1 5>&- &
		    echo started' "$user" "$work" 5>&1
		echo 'ended' >&2
	} 2>"$work/ended" | {
		exec 3<"$work/c.fifo"
		read -r child parent dir <&3
		cat
		echo "$dir" >"$work/dir"
		echo go >"$work/c1.fifo"
		read -r word <&3
	} >"$work/read"
	read -r dir <"$work/dir"
	echo "$dir" >>"$work/seen"
	[ "$(cat "$work/read" "$work/ended")" = "started
ended" ] && is_gone
}

# Two at once know nothing of each other.
apart()
{
	./mipcrun --private -- sh -c '"$0" store 5 outer &&
	    ./mipcrun --private -- sh -c "\"$0\" store 5 inner" "$0" &&
	    [ "$("$0" load 5)" = outer ]' "$user"
}

setup_fails()
{
	status=0
	strace -f -o "$work/trace" -e trace=mkdir,mkdirat,unlinkat,rmdir \
	    ./mipcrun --private --limit shmmni=99999 -- echo run \
	    >"$work/said" 2>&1 || status=$?
	made=$(sed -n 's/.*mkdir.*"\(.*\/mipc-private-[^"]*\)".*/\1/p' \
	    "$work/trace")
	[ "$status" -eq 2 ] && ! grep -qx run "$work/said" &&
	    [ -n "$made" ] && [ ! -e "$made" ]
}

need_module
need strace
make_work
tap_cleanup=remove_seen
plan 14
check "it is gone when program and child are" ends_together
check "a child without a life keeps it" child_stays
check "mipcrun killed: it is used on, then gone" runner_killed
check "guardian killed: it is used on, then gone" guardian_killed
check "guardian killed, unseen: it stays" guardian_killed_unseen
check "guardian killed, child last: gone" guardian_killed_child_stays
check "guardian killed: signals are passed on" signal_after_takeover
check "both killed: the next one removes it, when unused" both_killed
check "the same, guardian first" both_killed_other_order
check "what was never finished is removed" unfinished_swept
check "many at once do not disturb each other" many_at_once
check "nobody keeps the program's pipes open" pipe_ends
check "two at once have nothing in common" apart
check "nothing is left where a limit is refused" setup_fails
