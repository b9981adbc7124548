#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kill_long.sh - the kill test at every state that what is shared goes
# through, and one operation at every instruction.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

run()
{
	status=0
	./tests/kill_step "$@" >"$work/said" || status=$?
	retell "$*" kill_step "$status" <"$work/said"
}

make_work
{
	run --states
	run --every --store directory --scene "last detach of a removed one"
} >"$work/results"
cat "$work/results"
plan "$(grep -Ec '^(not )?ok' "$work/results")"
! grep -q '^not ok' "$work/results"
