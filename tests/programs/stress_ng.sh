#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# stress_ng.sh - stress-ng's tests of shared memory, semaphores and queues,
# which verify what they read, run on a namespace of their own and never call
# the kernel's IPC.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

sysv_calls=shmget,shmat,shmdt,shmctl,semget,semop,semctl,semtimedop
sysv_calls=$sysv_calls,msgget,msgsnd,msgrcv,msgctl

# Two workers of 8 segments of 8 MiB by default.
size_to_space()
{
	free=$(df -Pk /dev/shm 2>/dev/null | awk 'END { print $4 }')
	case $free in
	''|*[!0-9]*)
		free=0
		;;
	esac
	[ "$free" -lt 200000 ] || return
	smaller="--shm-sysv-bytes 1M --shm-sysv-segs 4"
	echo "# $free KiB are free in /dev/shm: with $smaller"
}

# stress PART BEFORE...: run one in PART of all operations under mipcrun, with
# a command before it.
stress()
{
	part=$1
	shift
	"$@" ./mipcrun --private -- stress-ng --shm-sysv 2 \
	    --shm-sysv-ops $((200 / part)) $smaller --sem-sysv 4 \
	    --sem-sysv-ops $((200000 / part)) --msg 4 \
	    --msg-ops $((20000 / part)) --verify --metrics-brief \
	    --temp-path "$work" >"$work/said" 2>&1
	status=$?
	cat "$work/said"
	[ "$status" -eq 0 ] || {
		echo "status $status"
		return 1
	}
}

# did NAME OPS: so many operations of that test are counted.
did()
{
	awk -v name="$1" -v ops="$2" '{ for (i = 1; i < NF; i++)
		if ($i == name && $(i + 1) >= ops)
			found = 1 }
		END { exit !found }' "$work/said"
}

# all_done: all workers did what was asked, and verified it.
all_done()
{
	cat "$work/said"
	grep -q 'successful run completed' "$work/said" &&
	    ! grep -Eqi 'fail:|skipp(ed|ing)' "$work/said" &&
	    did shm-sysv 200 && did sem-sysv 200000 && did msg 20000
}

# traced FILE COMMAND...: stopped at no other call, where that can be had.
traced()
{
	output=$1
	shift
	strace -f $filter -qq -e trace="$sysv_calls" -e signal=none \
	    -o "$output" "$@"
}

no_sysv_call()
{
	grep -E '\<(shm|sem|msg)[a-z]*\(' "$work/trace" | sed 5q >"$work/calls"
	[ -s "$work/trace.ran" ] && [ ! -s "$work/calls" ] && return
	cat "$work/calls"
	return 1
}

# Each operation makes all of its calls: few of them show what many would.
stress_traced()
{
	stress 10 traced "$work/trace" && echo yes >"$work/trace.ran"
}

# The tracer itself is tried on a program that does call the kernel.
tracer_sees()
{
	traced "$work/seen" perl -e 'shmget(1, 0, 0)' && cat "$work/seen" &&
	    grep -q 'shmget(' "$work/seen"
}

need stress-ng
need_module
smaller=
make_work
filter=--seccomp-bpf
traced "$work/seen" true 2>/dev/null || filter=
plan 5
size_to_space
check "stress-ng succeeds on mipc" stress 1
check "it did all its operations and verified them" all_done
if ! traced "$work/seen" true 2>/dev/null; then
	reason="tracing is not allowed here"
	command -v strace >/dev/null || reason="strace is not installed"
	skip "the tracer sees a call to the kernel" "$reason"
	skip "stress-ng succeeds while traced" "$reason"
	skip "it made no SysV IPC system call" "$reason"
	exit
fi
check "the tracer sees a call to the kernel" tracer_sees
check "stress-ng succeeds while traced" stress_traced
check "it made no SysV IPC system call" no_sysv_call
