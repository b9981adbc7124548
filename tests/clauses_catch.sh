#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# clauses_catch.sh - the clause tests see what they are for.
#
# check_shm runs each clause's tests on an implementation in which one thing
# is made wrong; at least one of them must fail.  And every clause has both:
# tests, and something wrong that they see.

srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

check_shm=${CHECK_SHM:-./tests/check_shm}
clauses="G1 G2 G3 G4 G5 G6 G7 G8 G9 G10
H1 H2 H3 H4 H5 H6 H7 H8 H9 H10 H11 H12 ftok"

# catch NAME PATTERN: the tests that match fail on the broken one; what this
# user or machine cannot do is not there to fail.
catch()
{
	said=$("$check_shm" --broken "$1" "$2")
	case $said in
	*"not ok "*)
		ok "$2 see $1"
		;;
	*"# SKIP "*)
		reason=${said#*"# SKIP "}
		skip "$2 see $1" "${reason%%"
"*}"
		;;
	*)
		not_ok "$2 see $1"
		printf '%s\n' "$said" | explain
		;;
	esac
}

every_clause_is_broken_once()
{
	for clause in $clauses; do
		grep -q " ${clause}_\*\$" "$work/broken" || {
			echo "nothing breaks $clause"
			return 1
		}
	done
}

"$check_shm" --list-broken >/dev/null || {
	echo "Bail out! no $check_shm"
	exit 99
}
make_work
"$check_shm" --list-broken >"$work/broken"
plan $(($(wc -l <"$work/broken") + 1))
check "every clause has something wrong to see" every_clause_is_broken_once
while read -r name clause; do
	catch "$name" "$clause"
done <"$work/broken"
