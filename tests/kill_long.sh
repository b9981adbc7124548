#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kill_long.sh - the kill test at every state that what is shared goes
# through, and one operation at every instruction; and that broken libraries
# are seen.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

# Beside each other: each waits for others about half of its time.
begin()
{
	name=$1
	shift
	status=0
	./tests/kill_step "$@" >"$work/said.$name" || status=$?
	echo "$status" >"$work/status.$name"
}

tell()
{
	name=$1
	shift
	retell "$*" kill_step "$(cat "$work/status.$name")" \
	    <"$work/said.$name"
}

make_work
begin directory --states --store directory &
begin anonymous --states --store anonymous &
begin proof --proof &
begin every --every --store directory --scene "last detach of a removed one"
wait
{
	tell directory --states --store directory
	tell anonymous --states --store anonymous
	tell proof broken libraries
	tell every --every "last detach of a removed one"
} >"$work/results"
cat "$work/results"
plan "$(grep -Ec '^(not )?ok' "$work/results")"
! grep -q '^not ok' "$work/results"
