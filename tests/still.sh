#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# still.sh - who asks all to keep still is killed at some instructions, others
# each time (1 as an argument: at each); and a library that waits for the dead
# is seen to, by that and by one who just goes on.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

waits_for_the_dead()
{
	! ./tests/still_broken --death
}

make_work
retold killed kill_still ./tests/kill_still --part "${1:-50}" >"$work/results"
adopt "$work/results"
if ./tests/kill_still_broken --broken --part 20 >"$work/said"; then :; fi
check "kills of a library that waits for the dead are seen" \
    said '^ok\|SKIP'
check "... and that it waits" waits_for_the_dead
plan "$tap_count"
