#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# diff_long.sh - the differential tests with 120,000 operations each, or with
# as many as the first argument says.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

ops=${1:-120000}

# Together: their processes mostly wait for each other.
run()
{
	status=0
	"./tests/$1" --ops "$ops" >"$work/said.$1" || status=$?
	retell "$ops" "$1" "$status" <"$work/said.$1" >"$work/results.$1"
}

make_work
for program in diff_shm diff_sem diff_msg; do
	run "$program" &
done
wait
cat "$work"/results.* >"$work/results"
cat "$work/results"
plan "$(grep -Ec '^(not )?ok' "$work/results")"
! grep -q '^not ok' "$work/results"
