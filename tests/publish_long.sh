#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# publish_long.sh - a writer of a publication is killed at each instruction,
# with and without the kernel's mark of who died.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

make_work
{
	retold "as it is" kill_publish ./tests/kill_publish
	retold "without robust lists" kill_publish \
	    env MIPC_NO_ROBUST=1 ./tests/kill_publish
} >"$work/results"
cat "$work/results"
plan "$(grep -Ec '^(not )?ok' "$work/results")"
! grep -q '^not ok' "$work/results"
