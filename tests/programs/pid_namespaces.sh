#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# pid_namespaces.sh - processes in pid namespaces of their own, each of which
# has the pid 1, share semaphores through a directory.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/programs/holder.sh"

# both_are_first KEY ENTER: each takes itself for the first of its machine.
both_are_first()
{
	handed_over "$1" "$2" >"$work/said"
	status=$?
	cat "$work/said"
	[ "$status" -eq 0 ] && ! grep -v 'the pids were 1 1$' "$work/said"
}

# What one does another sees.
meet()
{
	enter="unshare -p -f"
	$enter ./mipcrun --dir "$work/namespace" -- \
	    perl "$semaphore" make 0x6d65 4 0 &&
	$enter ./mipcrun --dir "$work/namespace" -- \
	    perl "$semaphore" add 0x6d65 0 -3 &&
	$enter ./mipcrun --dir "$work/namespace" -- \
	    perl "$semaphore" add 0x6d65 1 7 &&
	[ "$(on_mipc values 0x6d65)" = "1 7" ]
}

# One with the same pid as the dead one does not pass for it.
same_pid_later()
{
	enter="unshare -p -f"
	on_mipc make 0x7069 1 &&
	$enter ./mipcrun --dir "$work/namespace" -- \
	    perl "$semaphore" take 0x7069 taken &&
	$enter ./mipcrun --dir "$work/namespace" -- \
	    perl "$semaphore" values 0x7069 >"$work/values" &&
	[ "$(cat "$work/values")" = 1 ]
}

need perl
need_module
unshare -p -f true 2>/dev/null ||
    skip_all "needs root, to make pid namespaces"
make_work
tap_cleanup=stop_programs
plan 4
check "what is done in one pid namespace is seen in another" meet
check "a debt does not pass to the next process of the same pid" \
    same_pid_later
check "a killed holder frees who waits in another pid namespace" \
    both_are_first 0x6e71 "unshare -p -f"
check "... also where each sees its own processes alone" \
    both_are_first 0x6e72 "unshare -p -f --mount-proc"
