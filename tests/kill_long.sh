#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# kill_long.sh - the kill test at every state that what is shared goes
# through, and one operation at every instruction; and that broken libraries
# are seen.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/tests/retell.sh"

parts=8
every="last detach of a removed one"

# one WORK NAME ARGUMENT...: one run of the program, and what became of it.
one()
{
	trap - EXIT
	work=$1
	name=$2
	shift 2
	status=0
	./tests/kill_step "$@" >"$work/said.$name" || status=$?
	echo "$status" >"$work/status.$name"
	exit 0
}

# for_each_part COMMAND...: with a store and a seed, one for each part of the
# scenes.  Both stores have the same seeds, so that recoveries that are killed
# at all of their states are those of one of them.
for_each_part()
{
	for store in directory anonymous; do
		part=0
		while [ "$part" -lt "$parts" ]; do
			"$@" "$store" $((seed + 2 * part))
			part=$((part + 1))
		done
	done
}

of_part()
{
	printf '%s\n' "$1.$2 --states --store $1 --parts $parts --seed $2"
}

# all_runs: the longest first.
all_runs()
{
	echo proof --proof
	echo "every --every --store directory --scene '$every'"
	for_each_part of_part
}

# run_all: three for two processors, for each waits half of its time.
run_all()
{
	processors=$(getconf _NPROCESSORS_ONLN)
	all_runs | xargs -L 1 -P $(((processors * 3 + 1) / 2)) \
	    sh "$srcdir/tests/kill_long.sh" --one "$work"
}

tell()
{
	name=$1
	shift
	retell "$*" kill_step "$(cat "$work/status.$name")" \
	    <"$work/said.$name"
}

tell_part()
{
	tell "$1.$2" --states --store "$1"
}

if [ "${1-}" = --one ]; then
	shift
	one "$@"
fi
need awk od xargs
make_work
seed=$(od -A n -N 4 -t u4 /dev/urandom)
run_all
{
	for_each_part tell_part
	tell proof broken libraries
	tell every --every "$every"
} >"$work/results"
cat "$work/results"
plan "$(grep -Ec '^(not )?ok' "$work/results")"
! grep -q '^not ok' "$work/results"
